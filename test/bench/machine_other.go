//go:build !linux

package main

import "errors"

func machineMissing() string { return "a machine with systemd needs Linux" }

func (b *bench) newMachine() (place, error) { return nil, errors.ErrUnsupported }
