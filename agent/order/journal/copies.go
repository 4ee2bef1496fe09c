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

	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/link/wire"
)

// copies keep each entry that may have started or has a result in a file of its own, in case the
// log is damaged or lost. They are not fsynced and hold no secrets.
//
//	file     CRC-32C of the rest, 8 hexadecimal digits · a copiedEntry (JSON)
//
// A file that is needed no more waits under another name for the next entry, because making files is slow. Its
// content is no copy of anything by its name.
type copies struct {
	dir   string
	place place.Place
	spare chan string // paths
}

type copiedEntry struct {
	Place string `json:"place"` // of the journal; a cloned home has another one
	Entry *Entry `json:"entry"`
}

const (
	copiesDir  = "copies"
	unneeded   = ".spare-" // begins the name of one that waits
	mostSpares = 64
)

func openCopies(journal string, at place.Place) copies {
	c := copies{filepath.Join(journal, copiesDir), at, make(chan string, mostSpares)}
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
	if c.put(path, data) != nil {
		_ = os.Remove(path)
	}
}

// put writes the file in place: what a crash leaves half-written shows its checksum, and is in the log.
func (c copies) put(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		select {
		case spare := <-c.spare:
			_ = os.Rename(spare, path)
		default:
		}
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if info, statErr := f.Stat(); err == nil && (statErr != nil || info.Size() > int64(len(data))) {
		err = f.Truncate(int64(len(data)))
	}
	return errors.Join(err, f.Close())
}

func (c copies) remove(ref wire.Ref) {
	path, spare := c.path(ref), filepath.Join(c.dir, unneeded+ref.String())
	if len(c.spare) == cap(c.spare) || os.Rename(path, spare) != nil {
		_ = os.Remove(path)
		return
	}
	select {
	case c.spare <- spare:
	default:
		_ = os.Remove(spare)
	}
}

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
	if len(data) < 8 {
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
