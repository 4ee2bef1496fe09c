package delta

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// programs are two that differ in a few places, not compressible in themselves.
func programs(size int) (old, new []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	old = make([]byte, size)
	for i := range old {
		old[i] = byte(r.Uint32())
	}
	new = append([]byte("a longer beginning"), old...)
	copy(new[size/2:], "something else in the middle")
	return old, new
}

func TestADeltaIsSmallAndRebuilds(t *testing.T) {
	old, new := programs(1 << 20)
	d, err := Make(old, new)
	if err != nil {
		t.Fatal(err)
	}
	if len(d) > len(new)/100 {
		t.Errorf("the delta has %d bytes for a program of %d", len(d), len(new))
	}
	got, err := Apply(old, d, int64(len(new)))
	if err != nil || !bytes.Equal(got, new) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	old, new := programs(1 << 16)
	d, err := Make(old, new)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, delta []byte
		size       int64
		says       string // "" = it may be applied, and is another program then
	}{
		"larger than signed":  {old, d, int64(len(new)) - 1, errSize.Error()},
		"smaller than signed": {old, d, int64(len(new)) + 1, errSize.Error()},
		"size of nothing":     {old, d, 0, "size 0 is not possible"},
		"huge size":           {old, d, 1 << 40, "size 1099511627776 is not possible"},
		"torn":                {old, d[:len(d)/2], int64(len(new)), ""},
		"empty":               {old, nil, int64(len(new)), "applying a delta"},
		"not a delta":         {old, []byte("#!/bin/sh\n"), int64(len(new)), "applying a delta"},
		"nothing to start at": {nil, d, int64(len(new)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Apply(c.old, c.delta, c.size)
			if bytes.Equal(got, new) || err == nil && c.says != "" || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %d bytes and %v, want an error that says %q", len(got), err, c.says)
			}
		})
	}
}

func TestProgramsTooLargeForADelta(t *testing.T) {
	// Nothing reads the zeros, so they take no memory.
	if _, err := Make(make([]byte, window), []byte("new")); err == nil || !strings.Contains(err.Error(), "the programs have 536870912 and 3 bytes, together more than") {
		t.Errorf("got %v", err)
	}
}

// Hostile deltas make errors, never a panic or more than was signed.
func FuzzApply(f *testing.F) {
	old, new := programs(4096)
	d, _ := Make(old, new)
	f.Add(d, int64(len(new)))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xff}, int64(100))
	f.Fuzz(func(t *testing.T, delta []byte, size int64) {
		if size > 1<<20 {
			return
		}
		if got, err := Apply(old, delta, size); err == nil && int64(len(got)) != size {
			t.Fatalf("got %d bytes, want %d", len(got), size)
		}
	})
}
