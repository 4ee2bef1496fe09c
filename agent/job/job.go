package job

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/job/internal/shim"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/job/internal/warm"
	"tcenvsvr/agent/logging/plain"
)

// The nouns that agent and shim share; see package spec for their fields.
type (
	Launch     = spec.Launch
	Limits     = spec.Limits
	File       = spec.File
	Status     = spec.Status
	Exit       = spec.Exit
	Output     = spec.Output
	StartError = spec.StartError
)

// What is said to a shim that runs a service, and of it.
type (
	Service      = spec.Service
	Broker       = spec.Broker
	ServiceState = spec.ServiceState
)

// Reasons of an Exit that is not the App's own end.
const (
	ReasonCancelled   = spec.ReasonCancelled
	ReasonTimedOut    = spec.ReasonTimedOut
	ReasonStartFailed = spec.ReasonStartFailed
	ReasonShimLost    = spec.ReasonShimLost
	ReasonGivenUp     = spec.ReasonGivenUp
	ReasonOutOfMemory = spec.ReasonOutOfMemory
	ReasonSilent      = spec.ReasonSilent
)

// ShimCommand is the argument that makes tcenvsvr call ShimMain, and ShimName the name of the
// program that does nothing else. tcenvsvr does it as well if it is called by that name.
const (
	ShimCommand = "job-shim"
	ShimName    = "tcenvsvr-shim"
)

// IsShim reports whether a program that was called with these arguments is to be a shim, or the init
// of a template, which a shim starts: both are [ShimMain].
func IsShim(args []string) bool {
	switch len(args) {
	case 1:
		return filepath.Base(args[0]) == ShimName
	case 2:
		return args[1] == ShimCommand
	}
	if len(args) == 4 {
		return args[1] == ShimCommand && args[2] == shim.ServiceCommand
	}
	return len(args) == 3 && args[1] == ShimCommand && args[2] == warm.TemplateCommand
}

// Codes of a StartError that say something of the host, not of the App or the order.
const (
	CodeNoSpace   = spec.CodeNoSpace
	CodeNoProcess = spec.CodeNoProcess
	CodeIsolation = spec.CodeIsolation
	CodeIO        = spec.CodeIO
	CodeClaimed   = spec.CodeClaimed
	CodeFolder    = spec.CodeFolder
	CodeFiles     = spec.CodeFiles
	CodeShim      = spec.CodeShim
	CodeTimeout   = spec.CodeTimeout
	CodeUser      = spec.CodeUser
	CodeNoSudo    = spec.CodeNoSudo
	CodeNoSocket  = spec.CodeNoSocket
	CodeRefused   = spec.CodeRefused // sudo does not let the agent become the sandbox user
)

// Hints say of each code of a StartError what it means and what to try.
var Hints = spec.Hints

// Errors of Attach.
var (
	// ErrNotRunning means that the job's shim is gone. ReadExit decides.
	ErrNotRunning = errors.New("job is not running")
	// ErrCopied is an ErrNotRunning: the folder is a copy, and the job in it belongs to another
	// agent.
	ErrCopied = spec.ErrCopied
)

// Stream names an output of an App.
type Stream string

// The streams.
const (
	Stdout Stream = spec.StdoutFile
	Stderr Stream = spec.StderrFile
	Log    Stream = spec.LogFile // what the App wrote into files of Launch.Logs
)

// ShimMain is the body of "tcenvsvr job-shim", the life of a whole process. It reads everything
// from stdin and returns the exit code of the process: 0, or 1 if the request was not fulfilled.
//
// It does not have the broker of services: package services has a ShimMain that does.
func ShimMain(stdin io.Reader, stdout, stderr io.Writer) int {
	return shim.Main(stdin, stdout, stderr, nil)
}

// ReadExit reads how the job in dir ended; false if that is not recorded. The sandbox user could
// have written the record: an error means that it must not be believed.
func ReadExit(dir string) (Exit, bool, error) {
	data, err := spec.ReadRecord(dir, spec.ExitFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Exit{}, false, nil
	}
	if err == nil {
		var e Exit
		if e, err = spec.DecodeExit(data); err == nil {
			return e, true, nil
		}
	}
	return Exit{}, false, fmt.Errorf("reading the exit of the job in %q: %w", dir, err)
}

// Runs reports whether the shim of the job in dir has recorded that the App was executed, and not yet how it ended.
func Runs(dir string) bool {
	s, err := spec.ReadStatus(dir)
	return err == nil && s.State == spec.Running
}

// KeepExit makes the record of how the job in dir ended durable, for an agent that will not have the end in
// its own journal soon: a shim that has told the end to its agent leaves that to it.
func KeepExit(dir string) error {
	f, err := spec.OpenRegular(dir, filepath.Join(spec.Folder, spec.ExitFile))
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), atomicfile.SyncDir(filepath.Join(dir, spec.Folder)))
	}
	if err != nil {
		return fmt.Errorf("keeping the exit of the job in %q: %w", dir, err)
	}
	return nil
}

// Attended reports whether the job in dir may have a shim: its start is recorded there, and its end is not.
func Attended(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, spec.Folder, spec.ExitFile)); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err := os.Lstat(filepath.Join(dir, spec.Folder, spec.StateFile))
	return err == nil
}

// OpenOutput opens an output of the App for reading while it grows; fs.ErrNotExist while there is none. It has
// up to Launch.MaxOutput bytes; if there was more, a marker and the last 64 KiB follow at the end. It opens a
// regular file in the job's folder or nothing, whatever the App puts there.
func OpenOutput(dir string, stream Stream) (*os.File, error) {
	f, err := spec.OpenRegular(dir, filepath.Join(spec.Folder, string(stream)))
	if err != nil {
		return nil, fmt.Errorf("opening %s of the job in %q: %w", stream, dir, err)
	}
	return f, nil
}

// Tail is the end of an output as printable text, at most n bytes; "" if there is none.
func Tail(dir string, stream Stream, n int64) string {
	f, err := OpenOutput(dir, stream)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	data, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-n), n))
	if err != nil {
		return ""
	}
	return plain.Text(string(data))
}
