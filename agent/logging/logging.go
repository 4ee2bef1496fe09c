package logging

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/DeRuina/timberjack"
	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/term"
)

// Mode says where records go.
type Mode string

// The modes; see the package documentation.
const (
	Journald Mode = "journald"
	Terminal Mode = "terminal"
	Stderr   Mode = "stderr"
	File     Mode = "file"
)

// FileName is the name of the log in Config.Dir.
const FileName = "tcenvsvr.log"

const (
	maxMegabytes = 10
	maxOldFiles  = 9
)

// Choose returns the mode for a wish: "stderr", "file", or "auto", which finds out what stderr is
// connected to. It recognises the journal by the stream itself, not by INVOCATION_ID, which the
// children of a service inherit as well.
func Choose(wish string, stderr *os.File) (Mode, error) {
	if wish == string(File) {
		return File, nil
	}
	if wish != "auto" && wish != string(Stderr) {
		return "", fmt.Errorf("choosing where to log: %q is none of auto, stderr, file", wish)
	}
	if ok, err := journal.StderrIsJournalStream(); ok && err == nil {
		return Journald, nil
	}
	switch {
	case wish == string(Stderr):
		return Stderr, nil
	case term.IsTerminal(int(stderr.Fd())):
		return Terminal, nil
	case thrownAway(stderr):
		return File, nil
	}
	return Stderr, nil
}

// thrownAway reports whether f is the null device. That includes a closed stderr, for which Go
// opens the null device.
func thrownAway(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// Config says where to log. Stderr nil = os.Stderr.
type Config struct {
	Mode   Mode
	Dir    string // folder of the log file, made when missing; "" = no file, stderr instead
	Level  slog.Level
	Stderr io.Writer
}

// New returns the logger, its level, and a function that closes the file and ends the logger's
// goroutine; records after that are dropped. New does not fail: the package documentation says what
// happens if the file cannot be made.
func New(c Config) (*slog.Logger, *slog.LevelVar, func() error) {
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	level := new(slog.LevelVar)
	level.Set(c.Level)
	options := &slog.HandlerOptions{Level: level}
	none := func() error { return nil }

	switch {
	case c.Mode == Journald:
		options.ReplaceAttr = dropTime
		return slog.New(slog.NewTextHandler(priority{c.Stderr}, options)), level, none
	case c.Mode == Stderr:
		q := newQueue(&sink{file: c.Stderr, stderr: io.Discard})
		return slog.New(slog.NewTextHandler(q, options)), level, q.Close
	case c.Dir == "":
		return slog.New(slog.NewTextHandler(c.Stderr, options)), level, none
	}
	file := &timberjack.Logger{
		Filename:    filepath.Join(c.Dir, FileName),
		MaxSize:     maxMegabytes,
		MaxBackups:  maxOldFiles,
		Compression: "gzip",
		FileMode:    0o640,
	}
	toFile := slog.NewTextHandler(&sink{name: file.Filename, file: file, stderr: c.Stderr}, options)
	if c.Mode == File {
		_, _ = fmt.Fprintf(c.Stderr, "logging to %q\n", file.Filename)
		return slog.New(toFile), level, file.Close
	}
	both := slog.NewMultiHandler(slog.NewTextHandler(c.Stderr, options), toFile)
	return slog.New(both), level, file.Close
}

// ParseLevel returns the level of debug, info, warn or error, in any case.
func ParseLevel(name string) (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return level, fmt.Errorf("parsing log level %q: want debug, info, warn or error", name)
	}
	return level, nil
}

func dropTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
