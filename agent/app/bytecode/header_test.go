package bytecode

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestHash: the hash is Python's own.
func TestHash(t *testing.T) {
	out, err := exec.Command(python(t), "-c", `
import importlib.util
for n in range(70):
	print(importlib.util.source_hash(bytes((7 * i + n) % 256 for i in range(n))).hex())
print(importlib.util.MAGIC_NUMBER.hex())
`).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(out))
	magic, err := hex.DecodeString(lines[70])
	if err != nil {
		t.Fatal(err)
	}
	p := &Python{Version: [2]int{3, 11}, Magic: [4]byte(magic)}
	for n, want := range lines[:70] {
		source := make([]byte, n)
		for i := range source {
			source[i] = byte(7*i + n)
		}
		if got := fmt.Sprintf("%x", binary.LittleEndian.AppendUint64(nil, p.hash(source))); got != want {
			t.Errorf("%d bytes: got %s, want %s", n, got, want)
		}
	}
}

// TestHashBefore311: older Pythons hash with SipHash-2-4; the values are those of other
// implementations for a key of zeros.
func TestHashBefore311(t *testing.T) {
	if got, want := siphash(0, 2, nil), uint64(0x1e924b9d737700d7); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestDecodePython(t *testing.T) {
	for _, tt := range []struct{ text, err string }{
		{`{"version":[3,11],"tag":"cpython-311","magic":"a70d0d0a"}`, ""},
		{`{"version":[3,13],"tag":"pypy310-pp73","magic":"a70d0d0a"}`, ""},
		{`{"version":[3,6],"tag":"","magic":""}`, errTooOld.Error()},
		{`{"version":[2,7],"tag":"","magic":""}`, errTooOld.Error()},
		{`{"version":[3,11],"tag":"../../x-1","magic":"a70d0d0a"}`, "tag"},
		{`{"version":[3,11],"tag":"cpython-311","magic":"a70d"}`, "magic"},
		{`{"version":[3],"tag":"cpython-311","magic":"a70d0d0a"}`, "version"},
		{`{"version":[3,11],"tag":"cpython-311","magic":"a70d0d0a"} x`, "more"},
		{`{"versions":[]}`, "unknown field"},
		{``, "EOF"},
	} {
		if _, err := decodePython([]byte(tt.text)); !like(err, tt.err) {
			t.Errorf("%s: got %v, want %q", tt.text, err, tt.err)
		}
	}
}

func FuzzDecodePython(f *testing.F) {
	f.Add([]byte(`{"version":[3,11],"tag":"cpython-311","magic":"a70d0d0a"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePython(data)
		if err != nil {
			return
		}
		text := fmt.Sprintf(`{"version":[%d,%d],"tag":%q,"magic":"%x"}`, p.Version[0], p.Version[1], p.Tag, p.Magic)
		again, err := decodePython([]byte(text))
		if err != nil || *again != *p {
			t.Errorf("%s: got %+v, %v, want %+v", text, again, err, p)
		}
		if name, ok := pycOf("a/b.py", p.Tag); !ok || name != "a/__pycache__/b."+p.Tag+".pyc" || strings.Contains(p.Tag, "/") {
			t.Errorf("tag %q makes the name %q", p.Tag, name)
		}
	})
}
