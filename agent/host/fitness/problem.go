package fitness

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Codes of problems. They are an interface: people search for them and alert on them.
const (
	NoSpace   = "host.no_space"   // bytes, inodes or the quota are used up
	ReadOnly  = "host.read_only"  // the file system is mounted so, or became so after an error
	IO        = "host.io"         // the disk cannot be read or written
	NoFiles   = "host.no_files"   // no more open files are allowed
	NoProcess = "host.no_process" // no more processes, or no memory for one
	Stuck     = "host.stuck"      // the disk does not answer at all
	Owing     = "host.owing"      // the cloud acknowledges no results
)

// Hints has what each code means and what to try. Help prints the table.
var Hints = map[string]string{
	NoSpace:   "space, inodes or quota below .tcenvsvr are used up: \"df -h\" and \"df -i\" show it; free some, or set appsSessionsDiskPercent lower",
	ReadOnly:  "the file system with .tcenvsvr is read-only, often after an error: see \"dmesg\", then mount it writable",
	IO:        "the disk with .tcenvsvr cannot be read or written: see \"dmesg\"",
	NoFiles:   "no more files may be opened: raise LimitNOFILE of the service, or fs.file-max",
	NoProcess: "no more processes, or no memory for one: fewer appsNumberofJobExecutors, or a larger host",
	Owing:     "the cloud acknowledges no results, and what waits for that is bounded: see \"tcenvsvr status\" (outbox), and the cloud's log; it ends when they are acknowledged",
	Stuck:     "the disk with .tcenvsvr does not answer: it may be frozen for a snapshot, or its server may be away",
}

// Problem is the reason why a host is not fit.
type Problem struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
}

// Error is an error that names a problem by its code.
type Error struct {
	Code string
	Err  error
}

// Error returns the text of Err, without the code.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Code returns the code of the problem that an error shows; "" for an error that concerns a single
// App or order only.
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

// reason removes the path from an error, where the text has it already.
func reason(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// Touch makes and removes an empty file in each folder. Nobody can know its name before: where Apps
// run as the agent's user, one of them could have put a pipe or a link there.
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
