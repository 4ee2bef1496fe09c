package fitness

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Codes of what can be wrong with a host. They are an interface: people search and alert by them.
const (
	NoSpace   = "host.no_space"   // bytes, inodes or the quota are used up
	ReadOnly  = "host.read_only"  // the file system is mounted so, or became so after an error
	IO        = "host.io"         // the disk cannot be read or written
	NoFiles   = "host.no_files"   // no more open files are allowed
	NoProcess = "host.no_process" // no more processes, or no memory for one
	Stuck     = "host.stuck"      // the disk does not answer at all
	Owing     = "host.owing"      // the cloud takes no results
)

// Hints say of each code what it means and what to try, for help.
var Hints = map[string]string{
	NoSpace:   "space, inodes or quota below .tcenvsvr are used up: \"df -h\" and \"df -i\" show it; free some, or set appsSessionsDiskPercent lower",
	ReadOnly:  "the file system with .tcenvsvr is read-only, often after an error: see \"dmesg\", then mount it writable",
	IO:        "the disk with .tcenvsvr cannot be read or written: see \"dmesg\"",
	NoFiles:   "no more files may be opened: raise LimitNOFILE of the service, or fs.file-max",
	NoProcess: "no more processes, or no memory for one: fewer appsNumberofJobExecutors, or a larger host",
	Owing:     "the cloud acknowledges no results, and what waits for that is bounded: see \"tcenvsvr status\" (outbox), and the cloud's log; it ends when they are taken",
	Stuck:     "the disk with .tcenvsvr does not answer: it may be frozen for a snapshot, or its server may be away",
}

// Problem is why a host is not fit.
type Problem struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
}

// Error is a problem as it is found, with its code.
type Error struct {
	Code string
	Err  error
}

// Error is Err's text; the code stands apart.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// Code names what an error says about the host; "" for one that is the matter of a single App or order.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	for _, row := range numbers {
		if errors.Is(err, row.errno) {
			return row.code
		}
	}
	return ""
}

// reason is an error without the path that is said already.
func reason(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// Touch makes and removes an empty file in each folder. Its name is not known before: where Apps are the same
// user as we, one of them could have a pipe or a link there.
func Touch(folders ...string) error {
	for _, dir := range folders {
		f, err := os.CreateTemp(dir, ".touch-")
		if err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
		if err != nil {
			return fmt.Errorf("making a file in %q: %w", dir, reason(err))
		}
	}
	return nil
}
