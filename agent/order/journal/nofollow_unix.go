//go:build unix

package journal

import "syscall"

// noFollow refuses a link in place of a file.
const noFollow = syscall.O_NOFOLLOW
