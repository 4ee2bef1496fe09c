package support

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/disk/plainfile"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

const (
	mostLog   = 8 << 20 // bytes of one file, from its end
	mostFiles = 3       // of each log, the newest
)

// logs adds the agent's log and the audit log. It unpacks rotated ones: in a packed file no secret
// could be redacted.
func (b *bundle) logs(p paths.Paths) {
	for _, pattern := range []string{"tcenvsvr*.log*", "audit.jsonl*"} {
		files, _ := filepath.Glob(filepath.Join(p.Logs, pattern))
		slices.SortFunc(files, func(x, y string) int { return age(x).Compare(age(y)) })
		for _, file := range files[:min(len(files), mostFiles)] {
			name := "logs/" + strings.TrimSuffix(filepath.Base(file), ".gz")
			text, err := tail(file)
			if err != nil {
				b.text(name+".error", err.Error()+"\n")
				continue
			}
			b.text(name, text)
		}
	}
}

// systemJournal returns the service's lines in systemd's journal; "" without systemd.
func systemJournal(ctx context.Context) string {
	tool, err := exec.LookPath("journalctl")
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, _ := exec.CommandContext(ctx, tool, "-u", svc.Name, "-n", "20000", "--no-pager", "-o", "short-iso").CombinedOutput()
	return string(out)
}

// newest orders times from new to old. A file that is gone comes last.
type newest int64

func (n newest) Compare(o newest) int { return int(max(-1, min(1, int64(o)-int64(n)))) }

func age(file string) newest {
	info, err := os.Lstat(file)
	if err != nil {
		return 0
	}
	return newest(info.ModTime().UnixNano())
}

// tail returns the end of a log.
func tail(file string) (string, error) {
	f, info, err := plainfile.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return "", err
		}
	} else if info.Size() > mostLog {
		if _, err := f.Seek(-mostLog, io.SeekEnd); err != nil {
			return "", err
		}
	}
	data, err := io.ReadAll(io.LimitReader(r, 4*mostLog))
	if len(data) > mostLog {
		data = data[len(data)-mostLog:]
	}
	return string(data), err
}

// mostListed is the most files of a listing: exchange may have very many.
const mostListed = 5000

// listing lists the files below home without reading them. It lists only the first level of job
// folders: names of an App's files may be secrets.
func listing(home string) string {
	var b strings.Builder
	n := 0
	_ = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(home, path)
		if n++; n > mostListed {
			return fs.SkipAll
		}
		if err != nil {
			fmt.Fprintf(&b, "?  %s: %v\n", rel, err)
			return nil
		}
		if info, err := d.Info(); err == nil {
			fmt.Fprintf(&b, "%s  %10d  %s  %s%s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format("2006-01-02T15:04:05Z"), filepath.ToSlash(rel), owner(info))
		}
		if d.IsDir() && strings.Count(filepath.ToSlash(rel), "/") >= 3 {
			return fs.SkipDir
		}
		return nil
	})
	return b.String()
}
