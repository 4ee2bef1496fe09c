//go:build unix && !linux

package shim

import "tcenvsvr/agent/job/internal/proc"

// watchWorld is not reached: no tree has a world here.
func (t *tree) watchWorld() {}

func (t *tree) killWorld() {}

func (t *tree) inWorld(list []proc.Info) []proc.Info { return list }

func (t *tree) own() int { return 0 }
