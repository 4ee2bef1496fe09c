package bytecode

import (
	"encoding/binary"
	"math/bits"
)

// siphash is the keyed hash of sources that Python puts into bytecode, with its rounds for each
// word: 1 since Python 3.11, 2 before. The second half of the key is 0.
func siphash(key uint64, rounds int, data []byte) uint64 {
	v0, v1 := key^0x736f6d6570736575, uint64(0x646f72616e646f6d)
	v2, v3 := key^0x6c7967656e657261, uint64(0x7465646279746573)
	mix := func(rounds int) {
		for range rounds {
			v0 += v1
			v2 += v3
			v1 = bits.RotateLeft64(v1, 13) ^ v0
			v3 = bits.RotateLeft64(v3, 16) ^ v2
			v0 = bits.RotateLeft64(v0, 32)
			v2 += v1
			v0 += v3
			v1 = bits.RotateLeft64(v1, 17) ^ v2
			v3 = bits.RotateLeft64(v3, 21) ^ v0
			v2 = bits.RotateLeft64(v2, 32)
		}
	}
	last := uint64(len(data)) << 56
	for ; len(data) >= 8; data = data[8:] {
		word := binary.LittleEndian.Uint64(data)
		v3 ^= word
		mix(rounds)
		v0 ^= word
	}
	for i, b := range data {
		last |= uint64(b) << (8 * i)
	}
	v3 ^= last
	mix(rounds)
	v0 ^= last
	v2 ^= 0xff
	mix(rounds + 2)
	return v0 ^ v1 ^ v2 ^ v3
}
