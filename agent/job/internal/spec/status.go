package spec

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/logging/plain"
)

// Names of the shim's files in Folder.
const (
	Folder       = "shim"
	StateFile    = "state"
	NewStateFile = StateFile + ".new" // while it is written
	ExitFile     = "exit"
	ReserveFile  = "exit.reserve" // becomes ExitFile: the space is reserved while there is some
	SocketFile   = "sock"
	StdoutFile   = "stdout"
	StderrFile   = "stderr"
	LogFile      = "log" // the App's own logs, one after the other
)

// States of a shim. ExitFile says that it has ended.
const (
	Starting = "starting" // claimed the folder; the App is not executed yet
	Running  = "running"
)

// Reasons of an Exit. "" is the App's own end.
const (
	ReasonCancelled   = "cancelled"
	ReasonTimedOut    = "timed_out"
	ReasonStartFailed = "start_failed"
	ReasonShimLost    = "shim_lost"     // what became of the App cannot be known
	ReasonOutOfMemory = "out_of_memory" // the kernel ended the App because memory was short
	ReasonSilent      = "silent"        // a service App did not answer its shim
	ReasonGivenUp     = "given_up"      // the agent never said Go: the App was not started
)

// Status says which processes run a job. A process is identified by its number and its start time
// together; neither means anything after a restart of the host (BootID).
type Status struct {
	State     string `json:"state"`
	ShimPID   int    `json:"shim_pid,omitempty"`
	AppPID    int    `json:"app_pid,omitempty"`    // also the App's session and process group on Unix
	ShimStart uint64 `json:"shim_start,omitempty"` // clock ticks since boot; µs or 100 ns of absolute time elsewhere than Linux
	AppStart  uint64 `json:"app_start,omitempty"`
	BootID    string `json:"boot_id,omitempty"`
	// Executed is when the App was, by the clock of the host: the shim, and the agent after it, may hear of that
	// when the App has ended already.
	Executed time.Time `json:"executed,omitzero"`
	// Token is in the name of the shim's second socket, the one without a file.
	Token string `json:"token,omitempty"`
	// Unlimited says why the memory of the App is not limited, although the Launch asks for it.
	Unlimited string `json:"unlimited,omitempty"`
	// Warm says that a template forked the App; Cold, why the one of the Launch did not.
	Warm bool   `json:"warm,omitempty"`
	Cold string `json:"cold,omitempty"`
	// Place is that of the shim's folder: these numbers do not hold for a copy of the folder.
	Place place.Place `json:"place,omitzero"`
	// Files are those of the Launch, relative to the job's folder, so that they can be removed if
	// the shim could not do it.
	Files []string `json:"files,omitempty"`
}

func (s *Status) validate() error {
	switch s.State {
	case Starting, Running:
	default:
		return fmt.Errorf("state %.40q", s.State)
	}
	switch {
	case s.ShimPID < 0 || s.AppPID < 0 || s.ShimPID > maxPID || s.AppPID > maxPID:
		return errors.New("a process number out of range")
	case s.ShimPID < 2:
		return errors.New("no process number of the shim")
	case len(s.Token) > 64 || strings.Trim(s.Token, letters) != "":
		return errors.New("the socket's token is not one")
	case len(s.Unlimited) > MaxUnlimited || plain.Text(s.Unlimited) != s.Unlimited:
		return errors.New("a text is too long, or has control characters")
	case len(s.Cold) > MaxUnlimited || plain.Text(s.Cold) != s.Cold:
		return errors.New("a text is too long, or has control characters")
	case len(s.BootID) > 64:
		return errors.New("boot id is too long")
	}
	for _, f := range s.Files {
		if !filepath.IsLocal(f) {
			return errors.New("a file outside of the job's folder")
		}
	}
	return nil
}

// maxPID is larger than any process number of Unix or Windows.
const maxPID = 1<<31 - 1

// Output says what became of one stream of the App.
type Output struct {
	Written int64  `json:"written"` // bytes the App wrote
	Kept    int64  `json:"kept"`    // bytes of those that are in the file
	Error   string `json:"error,omitempty"`
}

// Exit says how a job ended.
type Exit struct {
	Code       int       `json:"code"`             // of the App; -1 if it was ended by a signal or did not run
	Signal     string    `json:"signal,omitempty"` // "SIGKILL"; "" if it ended by itself
	Reason     string    `json:"reason,omitempty"` // one of the Reasons
	Error      string    `json:"error,omitempty"`  // more about Reason, or about what could not be done
	StderrTail string    `json:"stderr_tail,omitempty"`
	Started    time.Time `json:"started"`
	Ended      time.Time `json:"ended"`
	Stdout     Output    `json:"stdout"`
	Stderr     Output    `json:"stderr"`
	Log        Output    `json:"log"`
	Killed     int       `json:"killed"` // processes beside the App that did not end by themselves
}

// Ran is how long the App ran; 0 if its start or its end is not known.
func (e *Exit) Ran() time.Duration {
	if e.Started.IsZero() || e.Ended.IsZero() {
		return 0
	}
	return max(0, e.Ended.Sub(e.Started))
}

// Bounds of an Exit's texts in bytes, chosen so that it fits ReserveSize when encoded.
const (
	MaxTail = 2 << 10
	// MaxUnlimited is for [Status.Unlimited] and [Status.Cold].
	MaxUnlimited = 256
	maxError     = 512
)

func (e *Exit) validate() error {
	switch e.Reason {
	case "", ReasonCancelled, ReasonTimedOut, ReasonStartFailed, ReasonShimLost, ReasonGivenUp, ReasonOutOfMemory, ReasonSilent:
	default:
		return fmt.Errorf("reason %.40q", e.Reason)
	}
	switch {
	case e.Started.IsZero() || e.Ended.IsZero(): // a record of another kind must not be read as a success
		return errors.New("no times")
	case int64(e.Code) < -1<<31 || int64(e.Code) > 1<<32:
		return errors.New("code out of range")
	case len(e.Signal) > 16 || strings.Trim(e.Signal, letters) != "":
		return fmt.Errorf("signal %.40q", e.Signal)
	case e.Killed < 0 || e.Stdout.Written < 0 || e.Stdout.Kept < 0 || e.Stderr.Written < 0 || e.Stderr.Kept < 0 || e.Log.Written < 0 || e.Log.Kept < 0:
		return errors.New("a negative count")
	case len(e.StderrTail) > MaxTail || len(e.Error) > maxError || len(e.Stdout.Error) > maxError || len(e.Stderr.Error) > maxError || len(e.Log.Error) > maxError:
		return errors.New("a text is too long")
	}
	for _, s := range []string{e.StderrTail, e.Error, e.Stdout.Error, e.Stderr.Error, e.Log.Error} {
		if plain.Text(s) != s {
			return errors.New("a text with control characters")
		}
	}
	return nil
}
