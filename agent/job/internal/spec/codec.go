package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/logging/plain"
)

// Operations of a Request.
const (
	OpStart = "start" // Launch
	// OpServe comes before any OpStart: the agent keeps the shim's input open, reads from its output how
	// its jobs end, and may send another OpStart after each Reply that is Ready.
	OpServe = "serve"
	OpReap  = "reap"  // end what is left in Dir
	OpSweep = "sweep" // end what descends neither from a shim of Living nor from Agent
	OpClear = "clear" // remove what the shim's user has in Dir
	OpProbe = "probe" // see how far Apps can be isolated and limited
	OpRead  = "read"  // see whether the shim's user can read Paths
	// OpService comes before an OpStart: the job is a service, whose broker the Launch has to name.
	OpService = "service"
)

// Go is what the agent sends when a shim has answered OpStart with its Status and the start is
// noted durably: from then on the App may have started. A shim whose input ends instead starts
// nothing.
const Go = "go\n"

// Request is the line that a shim reads from its stdin.
type Request struct {
	Op     string   `json:"op"`
	Launch *Launch  `json:"launch,omitempty"`
	Dir    string   `json:"dir,omitempty"`
	Paths  []string `json:"paths,omitempty"`
	// Status is the job that OpReap looks for, if the agent knows it better than the state file.
	Status  *Status  `json:"status,omitempty"`
	Service *Service `json:"service,omitempty"`
	// Agent is the process that asks for OpSweep; Living are all of its shims.
	Agent  int      `json:"agent,omitempty"`
	Living []Status `json:"living,omitempty"`
}

// Reply is a line that a shim writes to its stdout. OpStart has two replies: the shim has claimed
// the folder, and, after Go, the App runs.
type Reply struct {
	Status *Status `json:"status,omitempty"`
	Killed int     `json:"killed,omitempty"` // of OpReap and OpSweep
	// Exit is how the job ended that the shim was asked to start after OpServe.
	Exit *Exit `json:"exit,omitempty"`
	// Ready: the shim takes another OpStart. Of OpServe, and beside an Exit.
	Ready bool `json:"ready,omitempty"`
	// Level is the highest isolation there is, Missing what the kernel said to the next; of OpProbe.
	Level   isolation.Level `json:"level,omitempty"`
	Missing string          `json:"missing,omitempty"`
	// Limits are those that hold for each App, Unlimited says why that is not all; of OpProbe.
	Limits    []string `json:"limits,omitempty"`
	Unlimited string   `json:"unlimited,omitempty"`

	Broker *Broker `json:"broker,omitempty"` // of OpService

	Code  string `json:"code,omitempty"` // names the error, "job.…"
	Error string `json:"error,omitempty"`
}

// Sizes in bytes.
const (
	// MaxRequest bounds a Request: environments are at most 2 MiB on Linux, param files are small.
	MaxRequest = 16 << 20
	// MaxRecord bounds what is read of a Reply, Status or Exit.
	MaxRecord = 64 << 10
	// ReserveSize is the space reserved for an Exit at the start: every text at most doubles when
	// encoded, and 1 KiB is enough for the rest.
	ReserveSize = 2*(MaxTail+4*maxError) + 1<<10
)

// ErrCorrupt means that a record is damaged or forged and must not be believed.
var ErrCorrupt = errors.New("corrupt record")

// DecodeStatus reads the content of StateFile.
func DecodeStatus(data []byte) (Status, error) {
	var s Status
	err := decode(data, &s)
	if err == nil {
		err = s.validate()
	}
	if err != nil {
		return Status{}, fmt.Errorf("%w: status: %w", ErrCorrupt, err)
	}
	return s, nil
}

// DecodeExit reads the content of ExitFile, or an answer to "wait".
func DecodeExit(data []byte) (Exit, error) {
	var e Exit
	err := decode(data, &e)
	if err == nil {
		err = e.validate()
	}
	if err != nil {
		return Exit{}, fmt.Errorf("%w: exit: %w", ErrCorrupt, err)
	}
	return e, nil
}

// DecodeReply reads the shim's answer.
func DecodeReply(line []byte) (Reply, error) {
	var r Reply
	err := decode(line, &r)
	if err == nil && r.Status != nil {
		err = r.Status.validate()
	}
	if err == nil && r.Exit != nil {
		err = r.Exit.validate()
	}
	if err == nil && r.Broker != nil {
		err = r.Broker.validate()
	}
	if err == nil && (r.Killed < 0 || r.Status == nil && r.Code == "" && r.Error != "") {
		err = errors.New("an error without a code")
	}
	if err != nil {
		return Reply{}, fmt.Errorf("%w: reply: %w", ErrCorrupt, err)
	}
	return r, nil
}

// Encode returns one line of JSON for a record of this package.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "<" as it is: texts at most double
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// EncodeExit encodes e after cutting its texts to their bounds.
func EncodeExit(e Exit) ([]byte, error) { return Encode(Bounded(e)) }

// Bounded is e with its texts cut to their bounds.
func Bounded(e Exit) Exit {
	e.StderrTail = plain.Tail(plain.Text(e.StderrTail), MaxTail)
	for _, s := range []*string{&e.Error, &e.Stdout.Error, &e.Stderr.Error, &e.Log.Error} {
		*s = plain.Tail(plain.Text(*s), maxError)
	}
	return e
}

// decode reads exactly one JSON object with nothing but space behind it.
func decode(data []byte, v any) error {
	switch {
	case len(data) > MaxRecord:
		return errors.New("too large")
	case len(bytes.TrimSpace(data)) == 0:
		return errors.New("empty")
	case bytes.TrimSpace(data)[0] != '{':
		return errors.New("not an object")
	}
	return json.Unmarshal(data, v)
}

// ReadStatus reads who runs the job in dir. ErrCopied: it was written in another folder.
func ReadStatus(dir string) (Status, error) {
	data, err := ReadRecord(dir, StateFile)
	if err != nil {
		return Status{}, err
	}
	s, err := DecodeStatus(data)
	if err != nil {
		return Status{}, err
	}
	return s, s.Belongs(dir)
}

// ErrCopied means that a job's folder is a copy, and that the job belongs to the original.
var ErrCopied = errors.New("the folder is a copy, the job belongs to the original")

// Belongs returns ErrCopied if the job of s does not belong to dir, and nil if dir is gone.
func (s *Status) Belongs(dir string) error {
	if is, err := place.Of(filepath.Join(dir, Folder)); err == nil && !is.Same(s.Place) {
		return fmt.Errorf("%w at %q", ErrCopied, s.Place.Path)
	}
	return nil
}

// ReadRecord reads a record from the shim's folder in the job's folder dir. It refuses everything
// that is not a small regular file there.
func ReadRecord(dir, name string) ([]byte, error) {
	f, err := OpenRegular(dir, filepath.Join(Folder, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxRecord+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxRecord {
		return nil, fmt.Errorf("%w: %q is larger than %d bytes", ErrCorrupt, name, MaxRecord)
	}
	return data, nil
}

// OpenRegular opens the regular file name below dir for reading. It opens nothing outside of dir,
// whatever links an App plants there, and a FIFO does not block it.
func OpenRegular(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// Lstat first: opening a device may have effects. The second look finds what was exchanged in
	// between.
	if err := regular(root.Lstat(name)); err != nil {
		return nil, fmt.Errorf("opening %q in %q: %w", name, dir, err)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	if err := regular(f.Stat()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("opening %q in %q: %w", name, dir, err)
	}
	return f, nil
}

func regular(info os.FileInfo, err error) error {
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: not a regular file but %v", ErrCorrupt, info.Mode().Type())
	}
	return err
}
