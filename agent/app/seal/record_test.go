package seal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDecode: a record that is accepted is written so, and no other text is.
func FuzzDecode(f *testing.F) {
	type record struct {
		Name string
		Size int64
		Sum  string
	}
	r := record{Name: "a", Size: 1}
	data, err := Encode(&r, &r.Sum)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{string(data), string(data) + "\n", string(data[1:]), `{"Name":"a","Size":1,"Sum":""}`, "{}", ""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r record
		if err := Decode(data, &r, &r.Sum); err != nil {
			if !errors.Is(err, errNotWritten) {
				t.Errorf("%q: got %v, want %v", data, err, errNotWritten)
			}
			return
		}
		if again, err := Encode(&r, &r.Sum); err != nil || string(again) != string(data) {
			t.Errorf("%q is accepted as %q (%v)", data, again, err)
		}
	})
}

// TestReadFile: what is too long to be a record is not read to its end.
func TestReadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "record")
	if err := os.WriteFile(file, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, info, err := ReadFile(file, 10); len(data) != 11 || info.Size() != 1000 || err != nil {
		t.Errorf("got %d of %d bytes, %v", len(data), info.Size(), err)
	}
}

// TestSealIsBounded: what Read would take for damaged is not written.
func TestSealIsBounded(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "install.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "install.json"), maxSeal*3/4); err != nil { // base64 makes four thirds of it
		t.Fatal(err)
	}
	s, err := Make(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seal")
	if err := s.Write(file); err == nil || !strings.Contains(err.Error(), "at most 67108864 are possible: it has too many files") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was written: %v", err)
	}
}
