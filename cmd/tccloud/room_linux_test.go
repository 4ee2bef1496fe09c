package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tcenvsvr/test/disk"
)

// TestRoom: a cloud whose disk is small.
func TestRoom(t *testing.T) {
	data := filepath.Join(disk.New(t).Dir, "data")
	testscript.Run(t, params(t, testscript.Params{Files: []string{"testdata/room.txtar"}}, data))
}
