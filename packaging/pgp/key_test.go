package pgp

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"tcenvsvr/test/need"
)

var born = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newKey(t *testing.T) *Key {
	t.Helper()
	old := bits
	bits = 2048
	t.Cleanup(func() { bits = old })
	k, err := New("Packages", "packages@example.com", born)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyIsLockedByItsPassphrase(t *testing.T) {
	k := newKey(t)
	var file bytes.Buffer
	if err := k.WritePrivate(&file, []byte("correct")); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "wrong"} {
		if _, err := Read(bytes.NewReader(file.Bytes()), []byte(wrong)); !errors.Is(err, ErrPassphrase) {
			t.Errorf("passphrase %q: got %v, want ErrPassphrase", wrong, err)
		}
	}
	again, err := Read(&file, []byte("correct"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := k.Sign(strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := again.Sign(strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("the same key, text and time gave two signatures")
	}
}

func TestVerify(t *testing.T) {
	k, other := newKey(t), newKey(t)
	public, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ReadPublic(bytes.NewReader(public))
	if err != nil {
		t.Fatal(err)
	}
	good, err := k.At(born.Add(time.Hour)).SignArmored(strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.SignArmored(strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text      string
		signature []byte
		ok        bool
	}{
		"good":           {"text", good, true},
		"another text":   {"Text", good, false},
		"another key":    {"text", foreign, false},
		"no signature":   {"text", nil, false},
		"half of it":     {"text", good[:len(good)/2], false},
		"key, not a sig": {"text", public, false},
	} {
		err := Verify(keys, strings.NewReader(c.text), bytes.NewReader(c.signature))
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want ok %v", name, err, c.ok)
		}
	}
}

// TestPackets holds what old and strict hosts insist on (doc.go).
func TestPackets(t *testing.T) {
	k := newKey(t)
	public, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	block, err := armor.Decode(bytes.NewReader(public))
	if err != nil {
		t.Fatal(err)
	}
	self, err := io.ReadAll(block.Body)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := k.Sign(strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	signatures := 0
	packets := packet.NewReader(io.MultiReader(bytes.NewReader(self), bytes.NewReader(signature)))
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch p := p.(type) {
		case *packet.PublicKey:
			if p.IsSubkey {
				t.Error("the key has a subkey")
			}
		case *packet.Signature:
			signatures++
			if p.Hash != crypto.SHA512 || p.Version != 4 {
				t.Errorf("signature of type %x: hash %v version %d, want SHA-512 and 4", p.SigType, p.Hash, p.Version)
			}
			if p.KeyLifetimeSecs != nil && *p.KeyLifetimeSecs != 0 {
				t.Error("the key expires")
			}
		}
	}
	if signatures != 2 {
		t.Errorf("got %d signatures, want the key's own and one more", signatures)
	}

	// gpg names the critical parts; our library does not.
	gpg := need.Tool(t, "gpg")
	for name, data := range map[string][]byte{"key": self, "signature": signature} {
		c := exec.Command(gpg, "--homedir", t.TempDir(), "--batch", "--list-packets")
		c.Env = append(os.Environ(), "LC_ALL=C")
		c.Stdin = bytes.NewReader(data)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		if !strings.Contains(string(out), "hashed subpkt 2 ") && !strings.Contains(string(out), "subpkt 2 ") {
			t.Errorf("%s: this is not what gpg prints of a signature:\n%s", name, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "critical") && !strings.Contains(line, "subpkt 2 ") {
				t.Errorf("%s: critical beyond the time: %s", name, line)
			}
		}
	}
}

func TestNoSignatureIsOlderThanItsKey(t *testing.T) {
	k := newKey(t)
	if got := k.At(born.Add(-time.Hour)).at; !got.Equal(born) {
		t.Errorf("got %v, want the key's birth %v", got, born)
	}
}

func TestPublicHalfDoesNotSign(t *testing.T) {
	public, err := newKey(t).Public()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(bytes.NewReader(public), nil); err == nil {
		t.Error("a public key was taken for a private one")
	}
}
