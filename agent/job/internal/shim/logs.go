package shim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/logging/plain"
)

// Bounds of what is read from an App's folder of logs. Launch.MaxOutput bounds how much of it is
// kept.
const (
	maxLogs     = 64  // files that are followed
	maxLogNames = 512 // entries looked at each time
	maxLogDepth = 3   // folders in folders
	logChunk    = 32 << 10
	logOften    = 200 * time.Millisecond // between two looks while something is written
	logSeldom   = time.Second            // and when nothing was written for long
)

// usualLog is the name of a log that needs no heading while it is the only one.
const usualLog = "app.log"

// logs gathers in one file what the App writes into files of its folder of logs. It does so while
// the App writes, because an App may rotate, compress or remove its logs. A heading names the file
// whose lines follow, as tail(1) does; lines stay whole.
type logs struct {
	dir, folder string
	limit       int64
	files       []*logFile // in the order in which they were found
	current     *logFile   // whose lines were written last
	out         *os.File
	kept        int64
	full        bool
	midLine     bool // the last byte of out is no end of line
	err         error
	buf         []byte
	pause       time.Duration
	looked      int
}

type logFile struct {
	name    string
	file    *os.File
	info    fs.FileInfo
	at      int64
	skipped bool // no text
}

func newLogs(l *spec.Launch) *logs {
	g := &logs{dir: l.Dir, limit: l.MaxOutput, pause: logOften}
	if l.Logs != "" {
		g.folder = l.Relative(l.Logs)
	}
	return g
}

// next is when to look again.
func (g *logs) next() <-chan time.Time {
	if g.folder == "" || g.full {
		return nil
	}
	return time.After(g.pause)
}

// look copies what is new; with last also a line without an end.
func (g *logs) look(last bool) {
	if g.folder == "" || g.full {
		return
	}
	before := g.kept
	g.find()
	for _, f := range g.files {
		g.drain(f, last)
	}
	g.pause = min(2*g.pause, logSeldom)
	if g.kept > before {
		g.pause = logOften
	}
}

// find opens the files that were not there before. A file that was renamed is not new.
func (g *logs) find() {
	root, err := os.OpenRoot(g.dir)
	if err != nil {
		return
	}
	defer root.Close()
	g.looked = 0
	g.folderIn(root, g.folder, "", 0)
}

func (g *logs) folderIn(root *os.Root, dir, shown string, depth int) {
	d, err := root.Open(dir + "/.") // of a pipe in its place this does not wait for the other end
	if err != nil {
		return
	}
	entries, _ := d.ReadDir(maxLogNames - g.looked + 1)
	_ = d.Close()
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(rank(a.Name()), rank(b.Name())) })
	for _, e := range entries {
		if g.looked++; g.looked > maxLogNames {
			return
		}
		name := path.Join(shown, e.Name())
		switch {
		case e.IsDir() && depth < maxLogDepth:
			g.folderIn(root, path.Join(dir, e.Name()), name, depth+1)
		case e.Type().IsRegular() && len(g.files) < maxLogs:
			g.add(path.Join(dir, e.Name()), name, e)
		}
	}
}

// rank sorts the usual log before all others, which may be too many.
func rank(name string) string {
	if name == usualLog {
		return ""
	}
	return name
}

func (g *logs) add(file, shown string, e os.DirEntry) {
	info, err := e.Info()
	if err != nil || info.Size() == 0 { // a lock, or to come
		return
	}
	for _, f := range g.files {
		if os.SameFile(f.info, info) {
			return
		}
	}
	f, err := spec.OpenRegular(g.dir, file)
	if err != nil {
		return
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return
	}
	g.files = append(g.files, &logFile{name: shown, file: f, info: info})
}

// drain copies the whole lines that are new in one file.
func (g *logs) drain(f *logFile, last bool) {
	if g.buf == nil {
		g.buf = make([]byte, logChunk)
	}
	if info, err := f.file.Stat(); err == nil && info.Size() < f.at {
		f.at = 0 // it was emptied and begins anew
	}
	for !f.skipped && !g.full {
		n, err := f.file.ReadAt(g.buf, f.at)
		data := g.buf[:n]
		if f.at == 0 && !isText(data) {
			f.skipped = true
			return
		}
		if end := bytes.LastIndexByte(data, '\n') + 1; !last && n < len(g.buf) {
			data = data[:end]
		} else if end > 0 && n == len(g.buf) {
			data = data[:end]
		}
		if len(data) > 0 {
			g.write(f, data)
			f.at += int64(len(data))
		}
		if len(data) == 0 || err != nil {
			return
		}
	}
}

// isText is false for what a log rotation compresses, and for sparse files.
func isText(head []byte) bool {
	return !bytes.HasPrefix(head, []byte("\x1f\x8b")) && bytes.IndexByte(head[:min(len(head), 512)], 0) < 0
}

// write appends lines of a file, below a heading where they need one.
func (g *logs) write(f *logFile, data []byte) {
	if g.out == nil {
		if g.out, g.err = create(spec.LogFile); g.err != nil {
			g.full = true
			return
		}
	}
	if f != g.current && (g.current != nil || f.name != usualLog) {
		heading := "==> " + plain.Tail(plain.Name(f.name), 200) + " <==\n"
		if g.midLine {
			heading = "\n" + heading
		}
		g.append([]byte(heading))
	}
	g.current = f
	g.append(data)
}

func (g *logs) append(data []byte) {
	if g.full || len(data) == 0 {
		return
	}
	if room := g.limit - g.kept; int64(len(data)) > room {
		data, g.full = data[:room], true
	}
	n, err := g.out.Write(data)
	g.kept += int64(n)
	if err != nil {
		g.err, g.full = err, true
		return
	}
	g.midLine = data[len(data)-1] != '\n'
	if g.full {
		n, err := fmt.Fprintf(g.out, "\n[tcenvsvr: more than %d bytes of logs; the rest is in the job's folder]\n", g.limit)
		g.kept += int64(n)
		g.err = err
	}
}

// finish copies the rest and returns how much there was.
func (g *logs) finish() spec.Output {
	g.look(true)
	result := spec.Output{Kept: g.kept}
	for _, f := range g.files {
		if info, err := f.file.Stat(); err == nil && !f.skipped {
			result.Written += info.Size()
		}
		_ = f.file.Close()
	}
	if g.out != nil {
		if err := g.out.Close(); g.err == nil {
			g.err = err
		}
	}
	if g.err != nil && !errors.Is(g.err, io.EOF) {
		result.Error = "writing the App's logs: " + g.err.Error()
	}
	return result
}
