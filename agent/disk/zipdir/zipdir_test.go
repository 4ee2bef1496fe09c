package zipdir_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"tcenvsvr/agent/disk/zipdir"
)

func packed(t *testing.T, entries int) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range entries {
		w, err := z.Create(fmt.Sprint(i))
		if err == nil {
			_, err = fmt.Fprint(w, "entry ", i)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func TestOpen(t *testing.T) {
	const limit = 64 << 10
	few := packed(t, 100)
	z, err := zipdir.Open(few, few.Size(), limit)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fs.ReadFile(z, "99"); err != nil || string(got) != "entry 99" {
		t.Errorf("got %q, %v", got, err)
	}
	many := packed(t, 10_000)
	if z, err := zipdir.Open(many, many.Size(), limit); !errors.Is(err, zipdir.ErrTooLarge) {
		t.Errorf("got %v, %v", z, err)
	}
	if _, err := zipdir.Open(bytes.NewReader([]byte("PK")), 2, limit); !errors.Is(err, zip.ErrFormat) {
		t.Errorf("no ZIP: %v", err)
	}
}
