package become

import (
	"context"
	"errors"
	"os"
	"os/exec"
)

// Owner returns nobody: Windows has no root.
func Owner(string) (*User, error) { return nil, nil }

// Drop is for Unix.
func (u *User) Drop() (*os.File, error) { return nil, errors.ErrUnsupported }

// Command is for Unix.
func (u *User) Command(context.Context, ...string) (*exec.Cmd, error) {
	return nil, errors.ErrUnsupported
}

// Open is for Unix.
func (u *User) Open(string) (*os.File, error) { return nil, errors.ErrUnsupported }

// Create is for Unix.
func (u *User) Create(string) (*os.File, error) { return nil, errors.ErrUnsupported }
