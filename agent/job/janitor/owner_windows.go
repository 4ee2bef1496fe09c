package janitor

import (
	"io/fs"
	"time"
)

const directory = 0

// Ours: access is inherited from the folder above.
func Ours(fs.FileInfo) bool { return true }

// changed is when the folder was last changed: Apps run as the agent's user here.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }

// onDisk is about the room that a file takes.
func onDisk(info fs.FileInfo) int64 { return info.Size() }
