package bytecode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
)

// headerSize is that of a .pyc since Python 3.7: magic number, flags, and 8 bytes that tell the
// source (PEP 552).
const headerSize = 16

// Flags of a header. Without any, the last 8 bytes are the time and the size of the source.
const (
	flagHash  = 1 << 0 // they are its hash
	flagCheck = 1 << 1 // and Python compares it with the source at each import
)

// codeObject is the first byte of a marshalled code object, with and without the bit that others
// may refer to it.
const codeObject, codeObjectRef = 'c', 'c' | 0x80

// verify reports why data is not the bytecode of source: of this Python, never compared with a
// source again, and made from this very source as far as its compiler says. What the code in it
// does nobody can tell.
func (p *Python) verify(data, source []byte) error {
	switch {
	case len(data) <= headerSize:
		return fmt.Errorf("it has %d bytes", len(data))
	case [4]byte(data) != p.Magic:
		return fmt.Errorf("its magic number is %x, not %x", data[:4], p.Magic)
	case binary.LittleEndian.Uint32(data[4:]) != flagHash:
		return fmt.Errorf("its flags are %x", data[4:8])
	case binary.LittleEndian.Uint64(data[8:]) != p.hash(source):
		return errors.New("it was made from another source")
	case data[headerSize] != codeObject && data[headerSize] != codeObjectRef:
		return errors.New("there is no code in it")
	}
	return nil
}

// usable reports whether Python would use bytecode that begins with header in place of the source.
func (p *Python) usable(header, source []byte, info fs.FileInfo) bool {
	if len(header) < headerSize || [4]byte(header) != p.Magic {
		return false
	}
	switch word := header[8:headerSize]; binary.LittleEndian.Uint32(header[4:]) {
	case 0:
		return binary.LittleEndian.Uint32(word) == uint32(info.ModTime().Unix()) && binary.LittleEndian.Uint32(word[4:]) == uint32(info.Size())
	case flagHash:
		return true
	case flagHash | flagCheck:
		return binary.LittleEndian.Uint64(word) == p.hash(source)
	}
	return false
}

// hash is importlib's source_hash.
func (p *Python) hash(source []byte) uint64 {
	rounds := 1
	if p.Version[0] == 3 && p.Version[1] < 11 {
		rounds = 2
	}
	return siphash(uint64(binary.LittleEndian.Uint32(p.Magic[:])), rounds, source)
}
