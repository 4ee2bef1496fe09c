package bytecode

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// Python is what an interpreter says of its bytecode.
type Python struct {
	Version [2]int  // major, minor
	Tag     string  // in the names of its .pyc, such as "cpython-311"
	Magic   [4]byte // with which they begin
}

// maxAbout bounds what an interpreter says, in bytes.
const maxAbout = 4 << 10

var tagged = regexp.MustCompile(`^[a-z][a-z0-9_]{0,20}-[0-9a-z]{1,20}$`)

// errTooOld: bytecode without times was new in Python 3.7 (PEP 552). With times it would be of no
// use after a backup was restored, nor could it be compared with its source by anybody.
var errTooOld = errors.New("only Python 3.7 and later have bytecode that does not depend on times")

// decodePython reads what compile.py says of its interpreter.
func decodePython(data []byte) (*Python, error) {
	var about struct {
		Version []int  `json:"version"`
		Tag     string `json:"tag"`
		Magic   string `json:"magic"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&about); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind it")
	}
	if len(about.Version) != 2 || about.Version[0] < 2 || about.Version[0] > 3 || about.Version[1] < 0 {
		return nil, fmt.Errorf("its version is %.20v", about.Version)
	}
	p := &Python{Version: [2]int(about.Version), Tag: about.Tag}
	if p.Version[0] < 3 || p.Version[1] < 7 {
		return nil, errTooOld
	}
	magic, err := hex.DecodeString(about.Magic)
	if err != nil || len(magic) != len(p.Magic) {
		return nil, fmt.Errorf("its magic number is %.20q", about.Magic)
	}
	p.Magic = [4]byte(magic)
	if !tagged.MatchString(p.Tag) {
		return nil, fmt.Errorf("its tag is %.60q", p.Tag)
	}
	return p, nil
}

// identity tells one interpreter, as it is now, from others: an update of its package changes it,
// also when the magic number stays, because the compiler may be another. It is "" if there is none.
func identity(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	return fmt.Sprintf("%s %d %d", file, info.Size(), info.ModTime().UnixNano())
}
