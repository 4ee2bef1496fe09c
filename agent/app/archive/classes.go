package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/disk/plainfile"
)

// Bounds of a list of classes. An App with the largest frameworks loads some 20,000.
const (
	maxList    = 8 << 20 // bytes that are read
	maxClasses = 40_000
	maxName    = 512 // bytes
	minClasses = 100 // a JVM that does nothing loads 400
)

// errNoList says that a run left no list that an archive can be made of.
var errNoList = errors.New("its run left no list of classes")

// takeList reads the list that a run left in its job's folder, and removes it. Nothing in there is
// followed or waited for: the App may have put there what it likes.
func takeList(jobDir string) ([]byte, error) {
	root, err := os.OpenRoot(jobDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := filepath.FromSlash(launch.ClassList)
	defer func() { _ = root.Remove(name) }()
	f, err := root.OpenFile(name, os.O_RDONLY|plainfile.Flags, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoList, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is no plain file", errNoList)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxList))
	if err != nil {
		return nil, err
	}
	return decodeList(data)
}

// decodeList returns the names of classes in a list that a JVM, or its App, has written, one on each
// line and each once. All else is passed over: lines that tell how to link lambdas (@), and classes
// of loaders of the App's own (source:). They would save another 5 %, and have the JVM that makes
// the archive call methods.
func decodeList(data []byte) ([]byte, error) {
	var names bytes.Buffer
	seen := map[string]bool{}
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(make([]byte, 0, 4096), maxList)
	for s.Scan() && len(seen) < maxClasses {
		name, rest, _ := strings.Cut(s.Text(), " ")
		if !isClass(name) || seen[name] || strings.Contains(rest, "source:") {
			continue
		}
		seen[name] = true
		names.WriteString(name)
		names.WriteByte('\n')
	}
	if len(seen) < minClasses {
		return nil, fmt.Errorf("%w: it names %d classes", errNoList, len(seen))
	}
	return names.Bytes(), nil
}

// isClass reports whether a text is the name of a class as javac and its like make them.
func isClass(name string) bool {
	if name == "" || len(name) > maxName || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "/") {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '$', c == '/', c == '-':
		default:
			return false
		}
	}
	return true
}
