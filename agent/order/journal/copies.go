package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/link/wire"
)

// copies keep each entry that may have started or has a result in a file of its own, in case the
// log is damaged or lost. They are not fsynced and hold no secrets.
//
//	file     CRC-32C of the rest, 8 hexadecimal digits · a copiedEntry (JSON)
type copies struct {
	dir   string
	place place.Place
}

type copiedEntry struct {
	Place string `json:"place"` // of the journal; a cloned home has another one
	Entry *Entry `json:"entry"`
}

const (
	copiesDir = "copies"
	unready   = ".new" // ends the name of one that is being written
)

func openCopies(journal string, at place.Place) copies {
	c := copies{filepath.Join(journal, copiesDir), at}
	_ = os.Mkdir(c.dir, 0o700) // if that fails there are no copies: a full disk must not keep results from the cloud
	return c
}

// write replaces the copy of an entry. If that fails, there is still the log.
func (c copies) write(e *Entry) {
	open := *e
	open.dropSecrets()
	data, err := json.Marshal(copiedEntry{placeText(c.place), &open})
	if err != nil {
		return
	}
	path := c.path(e.Order.Ref)
	data = append(fmt.Appendf(nil, "%08x", crc32.Checksum(data, table)), data...)
	if err = os.WriteFile(path+unready, data, 0o600); err == nil {
		err = os.Rename(path+unready, path)
	}
	if err != nil {
		_ = os.Remove(path + unready)
	}
}

func (c copies) remove(ref wire.Ref) { _ = os.Remove(c.path(ref)) }

func (c copies) path(ref wire.Ref) string { return filepath.Join(c.dir, ref.String()) }

// all returns the entries whose copies can be read. Files that are no copies of this journal are
// removed.
func (c copies) all() ([]*Entry, error) {
	files, err := os.ReadDir(c.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*Entry
	for _, f := range files {
		path := filepath.Join(c.dir, f.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if e := c.decode(f.Name(), data); e != nil {
			all = append(all, e)
		} else {
			_ = os.Remove(path)
		}
	}
	return all, nil
}

func (c copies) decode(name string, data []byte) *Entry {
	if len(data) < 8 || strings.HasSuffix(name, unready) {
		return nil
	}
	sum, err := strconv.ParseUint(string(data[:8]), 16, 32)
	data = data[8:]
	if err != nil || uint32(sum) != crc32.Checksum(data, table) {
		return nil
	}
	var copied copiedEntry
	if json.NewDecoder(bytes.NewReader(data)).Decode(&copied) != nil || copied.Entry == nil || copied.Entry.Order.Ref.String() != name {
		return nil
	}
	if at, ok := textPlace(copied.Place); !ok || !at.Same(c.place) {
		return nil
	}
	return copied.Entry
}

func placeText(p place.Place) string {
	return fmt.Sprintf("%s %d %d", base64.RawURLEncoding.EncodeToString([]byte(p.Path)), p.Inode, p.Device)
}

func textPlace(s string) (p place.Place, ok bool) {
	var path string
	if _, err := fmt.Sscanf(s, "%s %d %d", &path, &p.Inode, &p.Device); err != nil {
		return p, false
	}
	b, err := base64.RawURLEncoding.DecodeString(path)
	p.Path = string(b)
	return p, err == nil
}
