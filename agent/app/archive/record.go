package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"

	"tcenvsvr/agent/app/seal"
	"tcenvsvr/agent/disk/atomicfile"
)

// record says what the archive beside it is. It is written last: an archive without a record, or
// with that of another archive, is never used.
type record struct {
	App    string `json:"app"` // <name>_v<major>/<sha256>: its installation
	Key    string `json:"key"` // of App, JDK and class path
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Look   string `json:"look"` // what the file system must report of it (package seal)
	Sum    string `json:"sum"`  // of the fields above
}

var (
	errBroken = errors.New("the record of a class-data archive is damaged")
	digest    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	installed = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}/[0-9a-f]{64}$`)
)

// maxRecord bounds the file of a record in bytes.
const maxRecord = 4 << 10

func (r record) encode() ([]byte, error) {
	r.Sum = ""
	bare, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bare)
	r.Sum = hex.EncodeToString(sum[:])
	return json.Marshal(r)
}

func (r record) write(file string) error {
	data, err := r.encode()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(file, data, 0o600)
}

// decodeRecord accepts exactly what encode writes.
func decodeRecord(data []byte) (record, error) {
	var r record
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return record{}, errBroken
	}
	if again, err := r.encode(); err != nil || !bytes.Equal(again, data) {
		return record{}, errBroken
	}
	if !installed.MatchString(r.App) || !digest.MatchString(r.Key) || !digest.MatchString(r.SHA256) || !digest.MatchString(r.Look) ||
		r.Size < minArchive || r.Size > maxArchive {
		return record{}, errBroken
	}
	return r, nil
}

func readRecord(file string) (record, fs.FileInfo, error) {
	f, err := os.Open(file)
	if err != nil {
		return record{}, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return record{}, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err != nil {
		return record{}, nil, err
	}
	r, err := decodeRecord(data)
	return r, info, err
}

// lookAt is what the file system reports of a file.
func lookAt(file string) (string, error) { return seal.LookAt(file) }
