package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

var (
	now   = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	place = Binding{Environment: "plant-7", Order: "order-1", Parameter: "password"}
)

func newRing(t testing.TB) Ring {
	t.Helper()
	r, err := NewRing(now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSeal(t testing.TB, value string, to ...Ring) string {
	t.Helper()
	var keys []PublicKey
	for _, r := range to {
		keys = append(keys, r.Current())
	}
	text, err := Seal(keys, place, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEveryServerOpens(t *testing.T) {
	a, b, c := newRing(t), newRing(t), newRing(t)
	for _, value := range []string{"", "x", "pässwort", strings.Repeat("x", step-4), strings.Repeat("x", step-3), strings.Repeat("x", MaxValue)} {
		text := mustSeal(t, value, a, b, a)
		if !IsSealed(text) || value != "" && len(value) > 1 && strings.Contains(text, value) {
			t.Errorf("%.100s", text)
		}
		for name, r := range map[string]Ring{"a": a, "b": b} {
			if got, err := r.Open(place, text); err != nil || string(got) != value {
				t.Errorf("%s opens %d bytes: %d, %v", name, len(value), len(got), err)
			}
		}
		if _, err := c.Open(place, text); !errors.Is(err, ErrRecipient) || !strings.Contains(err.Error(), "seal it again with this server's statement") {
			t.Errorf("a stranger: %v", err)
		}
		got, err := Recipients(text)
		want := []KeyID{a.Current().ID(), b.Current().ID()}
		slices.SortFunc(want, func(a, b KeyID) int { return bytes.Compare(a[:], b[:]) })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("recipients %v, %v, want %v", got, err, want)
		}
	}
}

func TestOnlyWhereItBelongs(t *testing.T) {
	r := newRing(t)
	text := mustSeal(t, "s3cret", r)
	for name, change := range map[string]func(*Binding){
		"order":            func(b *Binding) { b.Order = "order-2" },
		"parameter":        func(b *Binding) { b.Parameter = "passwort" },
		"Environment":      func(b *Binding) { b.Environment = "plant-8" },
		"shifted":          func(b *Binding) { b.Environment, b.Order = "plant-7o", "rder-1" },
		"shifted to end":   func(b *Binding) { b.Order, b.Parameter = "order-1p", "assword" },
		"order, Parameter": func(b *Binding) { b.Order, b.Parameter = "password", "order-1" },
	} {
		b := place
		change(&b)
		if _, err := r.Open(b, text); !errors.Is(err, ErrOpen) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func TestNoBitCounts(t *testing.T) {
	a, b := newRing(t), newRing(t)
	text := mustSeal(t, "s3cret", a, b)
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, sealedPrefix))
	if err != nil {
		t.Fatal(err)
	}
	every := 1
	if testing.Short() {
		every = 17
	}
	for i := 0; i < len(raw); i += every {
		changed := bytes.Clone(raw)
		changed[i] ^= 1 << (i % 8)
		if _, err := a.Open(place, sealedPrefix+base64.RawURLEncoding.EncodeToString(changed)); err == nil {
			t.Fatalf("a bit of byte %d does not count", i)
		}
	}
	const damaged, unknown = "form: it is damaged", `form: it begins with neither "tcsealed:v1:" nor "tcsealed:job:v1:"`
	for name, tt := range map[string]struct{ text, want string }{
		"cut off":         {text[:len(sealedPrefix)+400], "its 299 bytes are not those of a value for 2 servers"},
		"line end behind": {text + "\n", damaged},
		"line end inside": {text[:40] + "\n" + text[40:], damaged},
		"padded":          {text + "=", damaged},
		"nothing":         {"", unknown},
		"clear":           {"s3cret", unknown},
		"only a prefix":   {sealedPrefix, damaged},
		"no servers":      {sealedPrefix + base64.RawURLEncoding.EncodeToString(append([]byte{0}, make([]byte, nonceTag+step)...)), "are not those of a value for 0 servers"},
		"less than said":  {sealedPrefix + base64.RawURLEncoding.EncodeToString(append([]byte{3}, raw[1:]...)), "are not those of a value for 3 servers"},
		"half a step":     {sealedPrefix + base64.RawURLEncoding.EncodeToString(raw[:len(raw)-step/2]), "are not those of a value for 2 servers"},
		"endless":         {text + strings.Repeat("A", 2*MaxValue), "bytes, at most"},
		"next version":    {strings.Replace(text, "v1", "v2", 1), unknown},
		"twice the same":  {twice(raw), "its servers are not in their order"},
	} {
		if _, err := a.Open(place, tt.text); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestValueThatIsFilledWrongly: who can seal can lie about the length within.
func TestValueThatIsFilledWrongly(t *testing.T) {
	r := newRing(t)
	for name, filled := range map[string][]byte{
		"more than there is":  append([]byte{0, 0, 0, 61}, make([]byte, 60)...),
		"a length of 4 GB":    bytes.Repeat([]byte{0xff}, step),
		"a step too many":     append(fill([]byte("value")), make([]byte, step)...),
		"something behind it": append([]byte{0, 0, 0, 1, 'x'}, bytes.Repeat([]byte("y"), step-5)...),
	} {
		text, err := sealFilled([]PublicKey{r.Current()}, place, filled)
		if err != nil {
			t.Fatal(err)
		}
		if value, err := r.Open(place, text); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "its length is not that of the value in it") {
			t.Errorf("%s: got %q, %v", name, value, err)
		}
	}
}

// twice has the first server's key for both.
func twice(raw []byte) string {
	b := bytes.Clone(raw)
	copy(b[1+oneSize:1+2*oneSize], b[1:1+oneSize])
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(b)
}

func TestSealHidesLengthAndEquality(t *testing.T) {
	r := newRing(t)
	a, b := mustSeal(t, "1", r), mustSeal(t, strings.Repeat("1", step-4), r)
	if len(a) != len(b) || a == mustSeal(t, "1", r) {
		t.Errorf("%d and %d bytes", len(a), len(b))
	}
}

func TestSealRefuses(t *testing.T) {
	r := newRing(t)
	key := []PublicKey{r.Current()}
	var many []PublicKey
	for range MaxServers + 1 {
		many = append(many, newRing(t).Current())
	}
	noPackage := jobPlace()
	noPackage.Job.Package = "A"
	other := jobPlace()
	other.Parameter = "other"
	for name, tt := range map[string]struct {
		to    []PublicKey
		at    Binding
		value string
		want  string
	}{
		"to nobody":                {nil, place, "s3cret", "there are 0 servers to seal it to, want 1–64"},
		"to too many":              {many, place, "s3cret", "there are 65 servers to seal it to"},
		"no order":                 {key, Binding{Environment: "e", Parameter: "p"}, "s3cret", `order id "" is none`},
		"no Environment":           {key, Binding{Order: "o", Parameter: "p"}, "s3cret", "the Environment's name has 0 bytes, want 1–1024 of UTF-8"},
		"no parameter":             {key, Binding{Environment: "e", Order: "o"}, "s3cret", "the parameter's name has 0 bytes"},
		"a name that JSON changes": {key, Binding{Environment: "e", Order: "o", Parameter: "p\xff"}, "s3cret", "the parameter's name has 2 bytes, want 1–1024 of UTF-8"},
		"no package":               {key, noPackage, "s3cret", `package "A" is no digest`},
		"not one of the Job's":     {key, other, "s3cret", "it is not one of the Job's sealed parameters"},
		"too long":                 {key, place, strings.Repeat("s3cret", MaxValue/6+1), "its value has 1048578 bytes, at most 1048576 are possible"},
		"no UTF-8":                 {key, place, "s3cret\xff", "its value is not UTF-8; encode it, e.g. as base64"},
	} {
		if _, err := Seal(tt.to, tt.at, []byte(tt.value)); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	if text, err := Seal(many[:MaxServers], place, make([]byte, MaxValue)); err != nil {
		t.Errorf("the largest: %v", err)
	} else if _, err := Recipients(text); err != nil {
		t.Errorf("the largest: %v", err)
	}
}

func TestRotation(t *testing.T) {
	r := newRing(t)
	old := mustSeal(t, "old", r)
	next, err := r.Rotate(now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if next.Current().ID() == r.Current().ID() || !next.Created().Equal(now.Add(time.Hour)) {
		t.Error("the key did not change")
	}
	for i, at := range []time.Time{now.Add(time.Hour + Overlap), now.Add(time.Hour + Overlap + time.Millisecond)} {
		later, err := next.Rotate(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := later.Open(place, old); (i == 0) != (err == nil) {
			t.Errorf("after %s: %v", at.Sub(now), err)
		}
		if got, err := later.Open(place, mustSeal(t, "new", later)); err != nil || string(got) != "new" {
			t.Error(err)
		}
	}
	if got, err := next.Open(place, old); err != nil || string(got) != "old" {
		t.Errorf("within the overlap: %q, %v", got, err)
	}
	if _, err := next.Newest().Open(place, old); !errors.Is(err, ErrRecipient) {
		t.Errorf("a key that became known: %v", err)
	}
	for range maxKeys - 2 {
		if next, err = next.Rotate(now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := next.Rotate(now); err == nil {
		t.Error("a key that may be in use was dropped")
	}
}

func TestRingInTheKeychain(t *testing.T) {
	r := newRing(t)
	r, err := r.Rotate(now)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseRing(r.Encode())
	if err != nil || !slices.Equal(back.IDs(), r.IDs()) {
		t.Fatal(err)
	}
	if got, err := back.Open(place, mustSeal(t, "x", r)); err != nil || string(got) != "x" {
		t.Error(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("ring", "ring", r)
	data, _ := json.Marshal(r)
	for name, s := range map[string]string{"log": log.String(), "json": string(data), "format": fmt.Sprintf("%v %+v %#v %s %d %x", r, r, r, r, r, r), "in a struct": fmt.Sprintf("%+v", struct{ R Ring }{r})} {
		if !strings.Contains(s, redacted) || len(s) > 200 {
			t.Errorf("%s: %s", name, s)
		}
	}
	seed := fmt.Sprint(r.keys[0].seed[:4])
	if s := fmt.Sprintf("%+v %v", struct{ hidden Ring }{r}, struct{ hidden *Ring }{&r}); strings.Contains(s, seed[1:len(seed)-1]) {
		t.Errorf("in a hidden field: %s", s)
	}
	text := string(r.Encode())
	for name, bad := range map[string]string{
		"empty": "", "no keys": ringPrefix, "cut off": text[:len(text)-4], "line end": text + "\n",
		"two current":  ringPrefix + strings.Repeat(string(newRing(t).Encode())[len(ringPrefix):], 3),
		"another kind": strings.Replace(text, "v1", "v2", 1), "too many": text + strings.Repeat("A", 2000),
	} {
		if _, err := ParseRing([]byte(bad)); err == nil || !strings.Contains(err.Error(), "they are damaged, or of another version") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	f := newRing(t).Current().Fingerprint()
	if got, err := ParseFingerprint(f.String()); err != nil || got != f {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "sha256:", "sha256:00", strings.ToUpper(f.String()), f.String() + "00", f.String()[7:]} {
		if _, err := ParseFingerprint(bad); err == nil || !strings.Contains(err.Error(), "want sha256: and 64 lower-case hexadecimal digits") {
			t.Errorf("of %q: %v", bad, err)
		}
	}
}

func FuzzSealed(f *testing.F) {
	r := newRing(f)
	f.Add(mustSeal(f, "x", r))
	f.Add(mustSeal(f, "x", r, newRing(f)))
	f.Add(sealedPrefix + "AAAA")
	f.Add(strings.Replace(mustSeal(f, "x", r), "v1", "job:v1", 1))
	f.Fuzz(func(t *testing.T, text string) {
		if value, err := r.Open(place, text); err == nil && string(value) != "x" {
			t.Errorf("opened %q", value)
		}
		if value, err := r.Open(jobPlace(), text); err == nil {
			t.Errorf("opened %q for a Job", value)
		}
		s, err := parseSealed(text)
		if err == nil && s.String() != text {
			t.Errorf("%q becomes %q", text, s)
		}
	})
}

func FuzzRing(f *testing.F) {
	f.Add([]byte(newRing(f).Encode()))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := ParseRing(text); err == nil && !bytes.Equal(r.Encode(), text) {
			t.Errorf("%q becomes another", text)
		}
	})
}

func FuzzFill(f *testing.F) {
	f.Add([]byte("value"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := unfill(fill(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q becomes %q, %v", b, got, err)
		}
		if value, err := unfill(b); err == nil && !bytes.Equal(fill(value), b) {
			t.Errorf("%q is %q", b, value)
		}
	})
}

func BenchmarkSealAndOpen(b *testing.B) {
	r := newRing(b)
	for b.Loop() {
		text := mustSeal(b, "password", r)
		if _, err := r.Open(place, text); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFrozen opens what the first version sealed: a format, or an algorithm of the standard
// library, that changes would make waiting orders useless. UPDATE=1 makes the file where there is
// none.
func TestFrozen(t *testing.T) {
	seed := make([]byte, keySize)
	for i := range seedSize {
		seed[i] = byte(i)
	}
	r, err := ParseRing(base64.RawURLEncoding.AppendEncode([]byte(ringPrefix), seed))
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/sealed-v1.txt"
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && os.Getenv("UPDATE") != "" {
		text = []byte(mustSeal(t, "opensesame", r))
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Open(place, string(text)); err != nil || string(got) != "opensesame" {
		t.Errorf("%q, %v", got, err)
	}
	const fingerprint = "sha256:c9a3565ffde4f72b51661be391ee13e46378d7f06dd5c8bf5af9d2cfb5b8336b"
	if got := r.Current().Fingerprint().String(); got != fingerprint {
		t.Errorf("fingerprint of the key %s, want %s", got, fingerprint)
	}
	if got := [3]uint16{kem().ID(), kdf().ID(), aead().ID()}; got != [3]uint16{0x647a, 1, 2} {
		t.Errorf("algorithms %x", got)
	}
}

// jobPlace is where a value belongs that is sealed for a Job.
func jobPlace() Binding {
	return Binding{Environment: "plant-7", Parameter: "password", Job: &Job{
		ID: "0123456789ab", Package: wire.SHA256(strings.Repeat("a", 64)), Sealed: []string{"url", "password"},
	}}
}

// TestForAJob: a value that is sealed for a Job opens for any of its runs, and nowhere else; nor
// where another one that was sealed beside it is missing or comes in clear.
func TestForAJob(t *testing.T) {
	r := newRing(t)
	text, err := Seal([]PublicKey{r.Current()}, jobPlace(), []byte("s3cret"))
	if err != nil || !IsForJob(text) || !IsSealed(text) {
		t.Fatal(text, err)
	}
	b := jobPlace()
	slices.Reverse(b.Job.Sealed)
	for range 2 {
		if value, err := r.Open(b, text); err != nil || string(value) != "s3cret" {
			t.Errorf("got %q, %v", value, err)
		}
	}
	if ids, err := Recipients(text); err != nil || !slices.Equal(ids, []KeyID{r.Current().ID()}) {
		t.Errorf("got %v, %v", ids, err)
	}
	for name, change := range map[string]func(*Binding){
		"Environment":         func(b *Binding) { b.Environment = "plant-8" },
		"Job":                 func(b *Binding) { b.Job.ID = "0123456789ac" },
		"App":                 func(b *Binding) { b.Job.Package = wire.SHA256(strings.Repeat("b", 64)) },
		"parameter":           func(b *Binding) { b.Parameter = "url" },
		"company: less":       func(b *Binding) { b.Job.Sealed = []string{"password"} },
		"company: more":       func(b *Binding) { b.Job.Sealed = append(b.Job.Sealed, "x") },
		"company: without it": func(b *Binding) { b.Job.Sealed = []string{"url"} },
		"order":               func(b *Binding) { b.Job, b.Order = nil, "job-0123456789ab-s1-1" },
	} {
		b := jobPlace()
		change(&b)
		if _, err := r.Open(b, text); !errors.Is(err, ErrOpen) || b.Job == nil && !strings.Contains(err.Error(), "it is for the runs of a Job, and this order is none") {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for name, other := range map[string]string{
		"as an order's": strings.Replace(text, "job:v1", "v1", 1), "of an order": mustSeal(t, "s3cret", r),
	} {
		if _, err := r.Open(jobPlace(), other); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Open(place, strings.Replace(text, "job:v1", "v1", 1)); !errors.Is(err, ErrOpen) {
		t.Errorf("as one for an order: %v", err)
	}
	for name, change := range map[string]func(*Binding){
		"no Job":        func(b *Binding) { b.Job.ID = "x" },
		"an order, too": func(b *Binding) { b.Order = "order-1" },
	} {
		b := jobPlace()
		change(&b)
		if _, err := Seal([]PublicKey{r.Current()}, b, []byte("s3cret")); err == nil {
			t.Errorf("%s: it was sealed", name)
		}
	}
}
