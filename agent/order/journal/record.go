package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/link/wire"
)

const (
	magic      = "TCJ3"
	headBytes  = 48
	recordHead = 16

	// maxPart refuses lengths that no part of a record has.
	maxPart = 1 << 20
)

var table = crc32.MakeTable(crc32.Castagnoli)

// record is one line of the log: the newest about a ref counts.
type record struct {
	Ref   wire.Ref `json:"ref"`
	Entry *Entry   `json:"entry,omitempty"` // nil: forget
}

// secrets are the part of an entry that is overwritten when the order is over.
type secrets struct {
	Params   map[string]string `json:"params,omitempty"`
	Defaults map[string]string `json:"defaults,omitempty"`
	Token    string            `json:"token,omitempty"`
}

// parts is a record as it is stored.
type parts struct {
	ref             wire.Ref
	payload, secret []byte
}

func (p parts) size() int64 { return recordHead + int64(len(p.payload)+len(p.secret)) }

// split takes the secrets out of a record.
func split(r record) (parts, error) {
	p := parts{ref: r.Ref}
	var err error
	if r.Entry != nil && (r.Entry.Order.Params != nil || r.Entry.Order.Defaults != nil || r.Entry.Order.Token != "") {
		e := *r.Entry
		if p.secret, err = json.Marshal(secrets{e.Order.Params, e.Order.Defaults, e.Order.Token}); err != nil {
			return p, err
		}
		e.dropSecrets()
		r.Entry = &e
	}
	p.payload, err = json.Marshal(r)
	return p, err
}

// join is the reverse of split.
func join(p parts) (record, error) {
	var r record
	if err := json.Unmarshal(p.payload, &r); err != nil {
		return r, fmt.Errorf("record is not readable: %w", err)
	}
	if len(p.secret) > 0 && r.Entry != nil {
		var s secrets
		if err := json.Unmarshal(p.secret, &s); err != nil {
			return r, fmt.Errorf("record is not readable: %w", err)
		}
		r.Entry.Order.Params, r.Entry.Order.Defaults, r.Entry.Order.Token = s.Params, s.Defaults, s.Token
	}
	return r, nil
}

// frame encodes a record for a file of the given generation.
func frame(generation uint64, p parts) []byte {
	b := make([]byte, recordHead, p.size())
	binary.BigEndian.PutUint32(b, uint32(len(p.payload)))
	binary.BigEndian.PutUint32(b[4:], uint32(len(p.secret)))
	binary.BigEndian.PutUint32(b[8:], checksum(generation, b[:8], p.payload))
	binary.BigEndian.PutUint32(b[12:], checksum(generation, p.secret))
	return append(append(b, p.payload...), p.secret...)
}

func checksum(generation uint64, parts ...[]byte) uint32 {
	sum := crc32.Checksum(binary.BigEndian.AppendUint64(nil, generation), table)
	for _, p := range parts {
		sum = crc32.Update(sum, table, p)
	}
	return sum
}

// readRecord returns the record at an offset of a file with so many bytes; size is 0 if there is
// none, and the payload nil if what is there is no record. gone: its secrets have been overwritten, or
// were never written completely.
func readRecord(f io.ReaderAt, at, bytes int64, generation uint64) (p parts, size int64, gone bool, err error) {
	var h [recordHead]byte
	if _, err := f.ReadAt(h[:], at); err != nil {
		return p, 0, false, ignoreEOF(err)
	}
	n, s := int64(binary.BigEndian.Uint32(h[:])), int64(binary.BigEndian.Uint32(h[4:]))
	if n == 0 {
		return p, 0, false, nil
	}
	if n > maxPart || s > maxPart || at+recordHead+n+s > bytes {
		return p, recordHead, false, nil
	}
	body := make([]byte, n+s)
	if _, err := f.ReadAt(body, at+recordHead); err != nil {
		return p, 0, false, ignoreEOF(err)
	}
	if binary.BigEndian.Uint32(h[8:]) != checksum(generation, h[:8], body[:n]) {
		return p, recordHead + n + s, false, nil
	}
	p = parts{payload: body[:n], secret: body[n:]}
	return p, p.size(), binary.BigEndian.Uint32(h[12:]) != checksum(generation, p.secret), nil
}

// head is the beginning of a file in force: its generation, and the place at which it was written.
type head struct {
	generation uint64
	place      place.Place // its path as the first pathBytes of a hash
}

const pathBytes = 16

// hashed is a place as a head stores it.
func hashed(p place.Place) place.Place {
	sum := sha256.Sum256([]byte(p.Path))
	p.Path = string(sum[:pathBytes])
	return p
}

func (h head) bytes() []byte {
	b := make([]byte, 0, headBytes)
	b = append(b, magic...)
	for _, n := range []uint64{h.generation, h.place.Inode, h.place.Device} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(b, h.place.Path...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, table))
}

// errDamaged means that there is a head and that it cannot be read.
var errDamaged = errors.New("its head is damaged")

// readHead returns generation 0 for a file that is not in force or is damaged.
func readHead(f io.ReaderAt) (h head, err error) {
	b := make([]byte, headBytes)
	if n, err := f.ReadAt(b, 0); err != nil && (!errors.Is(err, io.EOF) || n == 0) {
		return h, ignoreEOF(err)
	}
	if bytes.Equal(b, make([]byte, headBytes)) {
		return h, nil
	}
	at := headBytes - 4
	if string(b[:4]) != magic || binary.BigEndian.Uint32(b[at:]) != crc32.Checksum(b[:at], table) {
		return h, errDamaged
	}
	h.generation = binary.BigEndian.Uint64(b[4:])
	h.place = place.Place{Inode: binary.BigEndian.Uint64(b[12:]), Device: binary.BigEndian.Uint64(b[20:]), Path: string(b[28:at])}
	return h, nil
}

// recordBegin is how the payload of every record begins.
const recordBegin = `{"ref":`

// nextRecord is the offset of the first whole record at or behind from; false if there is none.
func nextRecord(f io.ReaderAt, from, size int64, generation uint64) (int64, bool, error) {
	rest := make([]byte, max(0, size-from))
	n, err := f.ReadAt(rest, from)
	if err := ignoreEOF(err); err != nil {
		return 0, false, err
	}
	for i := 0; ; {
		next := bytes.Index(rest[i:n], []byte(recordBegin))
		if next < 0 {
			return 0, false, nil
		}
		i += next
		if at := from + int64(i) - recordHead; at >= from {
			if p, _, _, err := readRecord(f, at, size, generation); p.payload != nil && err == nil {
				return at, true, nil
			}
		}
		i++
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
