package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
)

// errNotWritten means that a record is not what [Encode] has written.
var errNotWritten = errors.New("the record is damaged")

// Encode returns a record as JSON, with the digest of all else in sum, which is a field of it.
func Encode(record any, sum *string) ([]byte, error) {
	*sum = ""
	bare, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(bare)
	*sum = hex.EncodeToString(digest[:])
	return json.Marshal(record)
}

// Decode accepts exactly what [Encode] writes of such a record.
func Decode(data []byte, record any, sum *string) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(record); err != nil {
		return errNotWritten
	}
	if again, err := Encode(record, sum); err != nil || !bytes.Equal(again, data) {
		return errNotWritten
	}
	return nil
}

// ReadFile reads a record's file, of which no more than most bytes can be one.
func ReadFile(file string, most int64) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	return data, info, err
}
