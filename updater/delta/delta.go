package delta

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// dictionary is the id of the old program on both sides.
const dictionary = 1

// window is the largest size of the old and the new program together, in bytes: a match reaches
// back over both.
const window = 1 << 29

// Make returns the delta from old to new.
func Make(old, new []byte) ([]byte, error) {
	if len(old)+len(new) > window {
		return nil, fmt.Errorf("the programs have %d and %d bytes, together more than %d", len(old), len(new), window)
	}
	size := 1 << 20
	for size < len(old)+len(new) {
		size *= 2
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(dictionary, old), zstd.WithWindowSize(size),
		zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("making a delta: %w", err)
	}
	defer func() { _ = e.Close() }()
	return e.EncodeAll(new, nil), nil
}

// errSize says that a delta rebuilds something of another size.
var errSize = errors.New("the delta rebuilds another size than was signed")

// Apply rebuilds the new program of exactly size bytes. It does not verify it.
func Apply(old, delta []byte, size int64) ([]byte, error) {
	if size < 1 || size > window {
		return nil, fmt.Errorf("applying a delta: size %d is not possible", size)
	}
	var h zstd.Header
	if err := h.Decode(delta); err != nil {
		return nil, fmt.Errorf("applying a delta: %w", err)
	}
	if !h.HasFCS || h.FrameContentSize != uint64(size) {
		return nil, fmt.Errorf("applying a delta: %w", errSize)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(dictionary, old), zstd.WithDecoderMaxMemory(uint64(size)),
		zstd.WithDecoderMaxWindow(window), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("applying a delta: %w", err)
	}
	defer d.Close()
	out, err := d.DecodeAll(delta, make([]byte, 0, size))
	if err != nil {
		return nil, fmt.Errorf("applying a delta: %w", err)
	}
	if int64(len(out)) != size {
		return nil, fmt.Errorf("applying a delta: %w", errSize)
	}
	return out, nil
}
