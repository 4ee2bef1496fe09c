package signature_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/signature"
)

// Everything in testdata was written by minisign 0.11; the password is "pw", and it was given
// little memory, so that the encrypted key opens fast.
func testdata(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newKey(t testing.TB) signature.SecretKey {
	t.Helper()
	k, err := signature.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var comment = signature.Comment{App: "TCPB_-_Ping", Version: "1.0.2", Time: time.Unix(1795965636, 0).UTC()}

func sign(t testing.TB, k signature.SecretKey, message string) *signature.Signature {
	t.Helper()
	s, err := signature.Sign(k, strings.NewReader(message), comment)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerifiesWhatMinisignSigned(t *testing.T) {
	key, err := signature.ReadPublicKey("testdata/plain.pub")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.minisig", "legacy.minisig"} {
		s, err := signature.Read("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Verify(strings.NewReader(testdata(t, "package")), newKey(t).Public(), key); err != nil || got != key {
			t.Errorf("%s: got %v, %v, want the key", name, got, err)
		}
		if got, want := s.Comment(), (signature.Comment{Time: time.Unix(1795965636, 0).UTC()}); got != want {
			t.Errorf("%s: got comment %v, want %v", name, got, want)
		}
		if got, want := string(s.Encode()), testdata(t, name); got != want {
			t.Errorf("%s: encoded again it differs: %s", name, cmp.Diff(got, want))
		}
	}
	if got, want := string(key.Encode()), testdata(t, "plain.pub"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadsAndWritesMinisignsSecretKey(t *testing.T) {
	k, err := signature.ReadSecretKey("testdata/plain.key", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(k.Public().Encode()), testdata(t, "plain.pub"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	text, err := k.Encode(nil)
	if got, want := string(text), testdata(t, "plain.key"); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// Another implementation of the format signs and verifies as this one does.
func TestAgreesWithAnotherImplementation(t *testing.T) {
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := secret.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := signature.ParseSecretKey(theirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ours.Public().String(), public.String(); !strings.Contains(want, got) {
		t.Errorf("got public key %q, want %q", got, want)
	}
	const message = "an App"
	if !minisign.Verify(public, []byte(message), sign(t, ours, message).Encode()) {
		t.Error("it refuses what we signed")
	}
	r := minisign.NewReader(strings.NewReader(message))
	_, _ = io.Copy(io.Discard, r)
	for name, text := range map[string][]byte{"legacy": minisign.Sign(secret, []byte(message)), "hashed": r.Sign(secret)} {
		s, err := signature.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(strings.NewReader(message), ours.Public()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	const message = "an App"
	k := newKey(t)
	good := sign(t, k, message)
	twin := newKey(t).Public() // another key that claims the same id
	twin.ID = good.KeyID
	for name, c := range map[string]struct {
		change func(s *signature.Signature)
		file   string
		keys   []signature.PublicKey
		want   error
	}{
		"no key":             {file: message, want: signature.ErrUnknownKey},
		"another key":        {file: message, keys: []signature.PublicKey{newKey(t).Public()}, want: signature.ErrUnknownKey},
		"same id, other key": {file: message, keys: []signature.PublicKey{twin}, want: signature.ErrBad},
		"another file":       {file: "another App", want: signature.ErrBad, keys: []signature.PublicKey{k.Public()}},
		"longer file":        {file: message + "\n", want: signature.ErrBad, keys: []signature.PublicKey{k.Public()}},
		"empty file":         {want: signature.ErrBad, keys: []signature.PublicKey{k.Public()}},
		"version changed": {change: func(s *signature.Signature) { s.Trusted = strings.Replace(s.Trusted, "1.0.2", "9.0.2", 1) },
			file: message, want: signature.ErrBad, keys: []signature.PublicKey{k.Public()}},
		"called legacy": {change: func(s *signature.Signature) { s.Prehashed = false },
			file: message, want: signature.ErrBad, keys: []signature.PublicKey{k.Public()}},
		"signature changed": {change: func(s *signature.Signature) { s.Sig[3] ^= 1 },
			file: message, want: signature.ErrBad, keys: []signature.PublicKey{k.Public()}},
		"global changed": {change: func(s *signature.Signature) { s.Global[3] ^= 1 },
			file: message, want: signature.ErrBad, keys: []signature.PublicKey{k.Public()}},
	} {
		t.Run(name, func(t *testing.T) {
			s := *good
			if c.change != nil {
				c.change(&s)
			}
			if got, err := s.Verify(strings.NewReader(c.file), c.keys...); !errors.Is(err, c.want) || got != (signature.PublicKey{}) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
	if got, err := good.Verify(strings.NewReader(message), twin, k.Public()); err != nil || got != k.Public() {
		t.Errorf("with a twin of the key's id before it: got %v, %v", got, err)
	}
	broken := errors.New("disk is gone")
	if _, err := good.Verify(iotest.ErrReader(broken), k.Public()); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
	if _, err := signature.Sign(k, iotest.ErrReader(broken), comment); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

// Property: no bit of the signature's file changes without a refusal, but for the untrusted
// comment.
func TestEveryBitCounts(t *testing.T) {
	const message = "an App"
	k := newKey(t)
	text := sign(t, k, message).Encode()
	from := bytes.IndexByte(text, '\n') + 1
	for i := from; i < len(text); i++ {
		for bit := range 8 {
			changed := bytes.Clone(text)
			changed[i] ^= 1 << bit
			s, err := signature.Decode(changed)
			if err != nil {
				continue
			}
			if _, err := s.Verify(strings.NewReader(message), k.Public()); err == nil {
				t.Errorf("byte %d, bit %d: accepted %q", i, bit, changed)
			}
		}
	}
}

// zeros is a large file; it counts how much of it was read.
type zeros struct{ left, read int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	z.read += n
	return int(n), nil
}

func TestLargeFileNeedsNoMemory(t *testing.T) {
	size := int64(256 << 20)
	if testing.Short() {
		size = 64 << 20
	}
	k := newKey(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := signature.Sign(k, &zeros{left: size}, comment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(&zeros{left: size}, k.Public()); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20); got > most {
		t.Errorf("got %d bytes allocated, want at most %d", got, most)
	}
	stranger := &zeros{left: size}
	if _, err := s.Verify(stranger, newKey(t).Public()); !errors.Is(err, signature.ErrUnknownKey) || stranger.read != 0 {
		t.Errorf("got %v and %d bytes read, want none read for an unknown key", err, stranger.read)
	}
}

func TestLegacyFormHasALimit(t *testing.T) {
	k, err := signature.ReadPublicKey("testdata/plain.pub")
	if err != nil {
		t.Fatal(err)
	}
	s, err := signature.Read("testdata/legacy.minisig")
	if err != nil {
		t.Fatal(err)
	}
	file := &zeros{left: 1 << 30}
	if _, err := s.Verify(file, k); !errors.Is(err, signature.ErrTooLarge) || file.read > signature.MaxLegacy+1 {
		t.Errorf("got %v after %d bytes, want ErrTooLarge at the limit", err, file.read)
	}
	sum, err := signature.Digest(strings.NewReader(testdata(t, "package")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.VerifyDigest(sum, k); !errors.Is(err, signature.ErrDigest) {
		t.Errorf("got %v, want ErrDigest: there is no digest in it", err)
	}
}

func TestSignRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		c    signature.Comment
		want string
	}{
		"no name":          {signature.Comment{Version: "1"}, "the comment names no app"},
		"no version":       {signature.Comment{App: "A"}, "the comment names no version"},
		"line break":       {signature.Comment{App: "A\nB", Version: "1"}, `the app "A\nB" cannot stand in a comment`},
		"tab":              {signature.Comment{App: "A", Version: "1\tapp:B"}, `the version "1\tapp:B" cannot stand in a comment`},
		"terminal control": {signature.Comment{App: "A\x1b[2J", Version: "1"}, "cannot stand in a comment"},
		"not UTF-8":        {signature.Comment{App: "A\xff", Version: "1"}, "cannot stand in a comment"},
		"too long":         {signature.Comment{App: strings.Repeat("A", 257), Version: "1"}, "cannot stand in a comment"},
	} {
		_, err := signature.Sign(newKey(t), strings.NewReader(""), tt.c)
		refused(t, name, err, tt.want)
	}
	_, err := signature.Sign(signature.SecretKey{}, strings.NewReader(""), comment)
	refused(t, "no key", err, "signing: there is no key")
}

func refused(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", name, err, want)
	}
}

func TestCommentIsWhatWasSigned(t *testing.T) {
	if got := sign(t, newKey(t), "").Comment(); got != comment {
		t.Errorf("got %v, want %v", got, comment)
	}
	s := signature.Signature{Trusted: "app:A\tapp:B\ttimestamp:99999999999999999\tversion:1:2\tx"}
	if got, want := s.Comment(), (signature.Comment{App: "A", Version: "1:2"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := testdata(t, "package.minisig")
	l := strings.Split(strings.TrimSuffix(good, "\n"), "\n")
	with := func(i int, line string) string {
		c := append([]string(nil), l...)
		c[i] = line
		return strings.Join(c, "\n") + "\n"
	}
	kind, _ := base64.StdEncoding.DecodeString(l[1])
	copy(kind, "EE")
	const form, cut = "it has four lines", "is it cut off, or another kind of file?"
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":              {"", form},
		"one line":             {l[1], form},
		"a fifth line":         {good + "x\n", form},
		"an empty fifth":       {good + "\n", form},
		"no comment":           {with(0, "comment: x"), form},
		"no trusted comment":   {with(2, "untrusted comment: x"), form},
		"cut off":              {good[:len(good)-5], cut},
		"base64, other digits": {with(1, strings.Replace(l[1], "M=", "N=", 1)), "base64 is damaged: copy it again"},
		"base64, no padding":   {with(1, strings.TrimRight(l[1], "=")), cut},
		"base64 with a space":  {with(1, " "+l[1]), cut},
		"base64 with a return": {with(1, l[1][:20]+"\r"+l[1][21:]), "base64 is damaged: copy it again"},
		"another kind":         {with(1, base64.StdEncoding.EncodeToString(kind)), `it is of kind "EE", not "ED" or "Ed"`},
		"global too short":     {with(3, l[1]), cut},
		"control character":    {with(2, l[2]+"\x07"), "a comment has the character U+0007 in it"},
		"return in the middle": {with(2, l[2]+"\rx"), "a comment has the character U+000D in it"},
		"not UTF-8":            {with(0, l[0]+"\xff"), "a comment is not UTF-8"},
		"comment too long":     {with(0, l[0]+strings.Repeat("x", 1025)), "a comment is longer than 1024 bytes"},
		"trusted too long":     {with(2, l[2]+strings.Repeat("x", 8193)), "a comment is longer than 8192 bytes"},
		"file too long":        {good + strings.Repeat("x", 16<<10), "it is longer than 16384 bytes"},
	} {
		_, err := signature.Decode([]byte(tt.text))
		refused(t, name, err, tt.want)
	}
	for name, text := range map[string]string{
		"Windows' line ends": strings.ReplaceAll(good, "\n", "\r\n"),
		"no last line end":   strings.TrimSuffix(good, "\n"),
	} {
		if s, err := signature.Decode([]byte(text)); err != nil || string(s.Encode()) != good {
			t.Errorf("%s: got %+v, %v", name, s, err)
		}
	}
}

func TestKeyDecodersRefuse(t *testing.T) {
	secret := testdata(t, "plain.key")
	head, body, _ := strings.Cut(secret, "\n")
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
	with := func(change func(b []byte)) string {
		b := bytes.Clone(raw)
		change(b)
		return head + "\n" + base64.StdEncoding.EncodeToString(b) + "\n"
	}
	const lines, cut, damaged = `it is a file of two lines, the first a comment, as "minisign -G" writes it`,
		"is it cut off, or another kind of file?", "base64 is damaged: copy it again"
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":           {"", lines},
		"no comment":        {body, lines},
		"public key":        {testdata(t, "plain.pub"), cut},
		"third line":        {secret + "x\n", lines},
		"cut off":           {secret[:len(secret)-6], cut},
		"too long":          {secret + strings.Repeat("x", 2<<10), "it is longer than 2048 bytes"},
		"kind":              {with(func(b []byte) { b[1] = 'D' }), "it is no Ed25519 key with a BLAKE2b checksum"},
		"unknown KDF":       {with(func(b []byte) { b[2] = 'X' }), `it is encrypted in an unknown way ("X\x00")`},
		"unknown checksum":  {with(func(b []byte) { b[4] = 'X' }), "it is no Ed25519 key with a BLAKE2b checksum"},
		"salt in the clear": {with(func(b []byte) { b[6] = 1 }), "its checksum is wrong: the file is damaged"},
		"wrong checksum":    {with(func(b []byte) { b[157] = 1 }), "its checksum is wrong: the file is damaged"},
		"halves differ":     {with(func(b []byte) { b[120] ^= 1 }), "its two halves do not belong together: the file is damaged"},
		"costs 2 GiB": {with(func(b []byte) {
			copy(b[2:], "Sc")
			b[49] = 0x80
		}), "its password costs more than 1024 MiB of memory to try"},
		"encrypted, no password": {testdata(t, "encrypted.key"), "it is encrypted: " + signature.ErrPassword.Error()},
	} {
		_, err := signature.ParseSecretKey([]byte(tt.text), nil)
		refused(t, "secret, "+name, err, tt.want)
		if err != nil && strings.Contains(err.Error(), "hE1C9HVN5J") {
			t.Errorf("secret, %s: the error tells the key: %v", name, err)
		}
	}
	public := testdata(t, "plain.pub")
	_, word, _ := strings.Cut(strings.TrimSuffix(public, "\n"), "\n")
	const one = "it is one word that begins with RW, or a file with a comment line and this word"
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":       {"", cut},
		"cut off":       {word[:55], cut},
		"two words":     {word + " " + word, cut},
		"space before":  {" " + word, cut},
		"third line":    {public + "x\n", one},
		"comment twice": {"untrusted comment: x\n" + public, one},
		"not base64":    {"RW!" + word[3:], damaged},
		"other kind":    {"RX" + word[2:], `it is of kind "Et", not "Ed"`},
		"secret key":    {secret, cut},
	} {
		_, err := signature.ParsePublicKey(tt.text)
		refused(t, "public, "+name, err, tt.want)
	}
	if k, err := signature.ParsePublicKey(word); err != nil || k.String() != word || k.ID.String() != "B07CA4D41953A285" {
		t.Errorf("got %v (%v), %v", k, k.ID, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"package.minisig", "legacy.minisig", "plain.pub", "plain.key"} {
		f.Add([]byte(testdata(f, name)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := signature.Decode(text)
		if err != nil {
			return
		}
		_ = s.Comment()
		again, err := signature.Decode(s.Encode())
		if err != nil {
			t.Fatalf("%q was accepted, what was made of it is not: %v", text, err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzKeys(f *testing.F) {
	for _, name := range []string{"plain.pub", "plain.key", "encrypted.key"} {
		f.Add([]byte(testdata(f, name)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := signature.ParsePublicKey(string(text)); err == nil {
			if again, err := signature.ParsePublicKey(k.String()); err != nil || again != k {
				t.Errorf("got %v, %v, want %v", again, err, k)
			}
		}
		if k, err := signature.ParseSecretKey(text, nil); err == nil {
			out, err := k.Encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := signature.ParseSecretKey(out, nil)
			if err != nil || !ed25519.PrivateKey.Equal(again.Ed25519(), k.Ed25519()) || again.Public() != k.Public() {
				t.Errorf("got %v, %v, want the same key", again.Public(), err)
			}
		}
	})
}
