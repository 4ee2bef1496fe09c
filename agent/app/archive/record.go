package archive

import (
	"errors"
	"io/fs"
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
	return seal.Encode(&r, &r.Sum)
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
	if err := seal.Decode(data, &r, &r.Sum); err != nil {
		return record{}, errBroken
	}
	if !installed.MatchString(r.App) || !digest.MatchString(r.Key) || !digest.MatchString(r.SHA256) || !digest.MatchString(r.Look) ||
		r.Size < minArchive || r.Size > maxArchive {
		return record{}, errBroken
	}
	return r, nil
}

func readRecord(file string) (record, fs.FileInfo, error) {
	data, info, err := seal.ReadFile(file, maxRecord)
	if err != nil {
		return record{}, nil, err
	}
	r, err := decodeRecord(data)
	return r, info, err
}

// lookAt is what the file system reports of a file.
func lookAt(file string) (string, error) { return seal.LookAt(file) }
