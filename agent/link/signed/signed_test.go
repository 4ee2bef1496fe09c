package signed

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

// leaves are the fields of a struct with those of the structs in it.
func leaves(t reflect.Type, prefix string) (names []string) {
	for f := range t.Fields() {
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			names = append(names, leaves(inner, prefix+f.Name+".")...)
			continue
		}
		names = append(names, prefix+f.Name)
	}
	return names
}

func TestEveryFieldIsClassified(t *testing.T) {
	rows := make(map[string]bool)
	for _, f := range Coverage() {
		if rows[f.Name] || f.Why == "" {
			t.Errorf("%s has two rows, or no reason", f.Name)
		}
		rows[f.Name] = true
	}
	for _, name := range leaves(reflect.TypeFor[wire.Order](), "") {
		if !rows[name] {
			t.Errorf("wire.Order has a field %s: is it signed? Coverage needs a row for it, and a new version if it is", name)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("Coverage has %s, which wire.Order has not", name)
	}
}

func field(o *wire.Order, name string) reflect.Value {
	v := reflect.ValueOf(o).Elem()
	for part := range strings.SplitSeq(name, ".") {
		v = reflect.Indirect(v).FieldByName(part)
	}
	return v
}

// service is the example as one of a service, which has all fields.
func service() *wire.Order {
	o := example()
	o.Runtime, o.Service = wire.RuntimeAPIService, &wire.ServiceSpec{ID: 7, Name: "Größe"}
	return o
}

// changes are copies of the service's example with one thing in the field different.
func changes(t *testing.T, name string) (all []*wire.Order) {
	changed := func() (*wire.Order, reflect.Value) {
		o := service()
		all = append(all, o)
		return o, field(o, name)
	}
	_, v := changed()
	text := func(s string, set func(reflect.Value, string)) {
		for i := range len(s) {
			for bit := range 8 {
				b := []byte(s)
				b[i] ^= 1 << bit
				_, v := changed()
				set(v, string(b))
			}
			_, v := changed()
			set(v, s[:i]+s[i+1:])
		}
		_, v := changed()
		set(v, s+"0")
	}
	switch v.Kind() {
	case reflect.String:
		all = nil
		text(v.String(), func(v reflect.Value, s string) { v.SetString(s) })
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		all = nil
		for bit := range 64 {
			_, w := changed()
			w.SetInt(w.Int() ^ 1<<bit)
		}
	case reflect.Slice:
		v.Set(v.Slice(0, 1))
		_, v = changed()
		v.Set(reflect.Append(v, reflect.ValueOf("x")))
		o, _ := changed()
		o.OutVariables[0], o.OutVariables[1] = o.OutVariables[1], o.OutVariables[0]
		text(v.Index(0).String(), func(v reflect.Value, s string) { v.Index(0).SetString(s) })
	case reflect.Map:
		v.Set(reflect.Zero(v.Type()))
		for k, value := range v.Seq2() {
			t.Fatal(k, value)
		}
		_, v = changed()
		for _, key := range v.MapKeys() {
			value := v.MapIndex(key)
			text(value.String(), func(v reflect.Value, s string) { v.SetMapIndex(key, reflect.ValueOf(s)) })
			text(key.String(), func(v reflect.Value, s string) {
				v.SetMapIndex(key, reflect.Value{})
				v.SetMapIndex(reflect.ValueOf(s), value)
			})
		}
		_, v = changed()
		v.SetMapIndex(reflect.ValueOf("more"), reflect.ValueOf(""))
	default:
		t.Fatalf("%s is a %s: teach this test to change it", name, v.Kind())
	}
	return all
}

func TestNothingSignedCanChange(t *testing.T) {
	s := mustSign(t, service())
	keys, now := []Key{operator()}, made.Add(time.Minute)
	if v, err := Verify(service(), s, "plant-7", keys, now); err != nil || v.Signer() != "ada" || v.KeyID() != terms.KeyID || !v.NotAfter().Equal(terms.NotAfter) {
		t.Fatal(v, err)
	}
	for _, f := range Coverage() {
		tried := 0
		for _, o := range changes(t, f.Name) {
			if reflect.DeepEqual(o, service()) || f.Name == "ParamsByHTTPS" {
				continue
			}
			tried++
			_, err := Verify(o, s, "plant-7", keys, now)
			if f.Signed && !errors.Is(err, ErrSignature) && !errors.Is(err, ErrParams) {
				t.Errorf("%s: changed to %q: %v, want a bad signature", f.Name, field(o, f.Name), err)
			}
			if !f.Signed && err != nil {
				t.Errorf("%s is not signed, but after a change: %v", f.Name, err)
			}
		}
		if tried == 0 && f.Name != "ParamsByHTTPS" {
			t.Errorf("%s was not changed", f.Name)
		}
	}
}

func TestNoBitOfASignatureCanChange(t *testing.T) {
	text, _ := mustSign(t, example()).MarshalText()
	for i := range text {
		for bit := range 8 {
			b := bytes.Clone(text)
			b[i] ^= 1 << bit
			s, err := Parse(string(b))
			if err == nil {
				_, err = Verify(example(), s, "plant-7", []Key{operator()}, made)
			}
			if err == nil {
				t.Fatalf("bit %d of byte %d does not count", bit, i)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)).Public().(ed25519.PublicKey)
	key := func(change func(*Key)) []Key {
		k := operator()
		change(&k)
		return []Key{k}
	}
	usual := []Key{operator()}
	for name, tt := range map[string]struct {
		unsigned    bool
		environment string
		keys        []Key
		now         time.Time
		want        error
		says        string
	}{
		"at once":             {keys: usual, now: made},
		"operator is ahead":   {keys: usual, now: made.Add(-5 * time.Minute)},
		"last moment":         {keys: usual, now: terms.NotAfter},
		"two keys of one id":  {keys: []Key{{Name: "eve", ID: terms.KeyID, Public: other}, operator()}, now: made},
		"unsigned":            {unsigned: true, keys: usual, now: made, want: ErrUnsigned},
		"no keys":             {now: made, want: ErrUnknownKey, says: `key 0807060504030201; add it to the policy, or sign with another`},
		"a key of no size":    {keys: key(func(k *Key) { k.Public = nil }), now: made, want: ErrUnknownKey},
		"another id":          {keys: key(func(k *Key) { k.ID[0]++ }), now: made, want: ErrUnknownKey},
		"another key":         {keys: key(func(k *Key) { k.Public = other }), now: made, want: ErrSignature},
		"another Environment": {environment: "plant-8", keys: usual, now: made, want: ErrEnvironment, says: `for "plant-7", and this server is of "plant-8"`},
		"too early":           {keys: usual, now: made.Add(-5*time.Minute - time.Millisecond), want: ErrEarly, says: `made at 2026-12-01T08:00:00Z, and this host's clock says 2026-12-01T07:54:59Z; compare the clocks`},
		"expired":             {keys: usual, now: terms.NotAfter.Add(time.Millisecond), want: ErrExpired, says: `not after 2026-12-01T09:00:00Z, and this host's clock says 2026-12-01T09:00:00Z; sign it again`},
		"key began later":     {keys: key(func(k *Key) { k.NotBefore = made.Add(time.Second) }), now: made.Add(time.Minute), want: ErrKeyTime, says: `"ada" signed with key 0807060504030201 at 2026-12-01T08:00:00Z`},
		"key ended before":    {keys: key(func(k *Key) { k.NotAfter = made.Add(-time.Second) }), now: made, want: ErrKeyTime},
		"key ended meanwhile": {keys: key(func(k *Key) { k.NotAfter = made.Add(time.Second) }), now: made.Add(time.Minute), want: ErrKeyTime, says: `key 0807060504030201 of "ada", and this host's clock says 2026-12-01T08:01:00Z`},
		"key in its time":     {keys: key(func(k *Key) { k.NotBefore, k.NotAfter = made, made.Add(time.Minute) }), now: made.Add(time.Minute)},
	} {
		s := mustSign(t, example())
		if tt.unsigned {
			s = nil
		}
		if tt.environment == "" {
			tt.environment = "plant-7"
		}
		if _, err := Verify(example(), s, tt.environment, tt.keys, tt.now); !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v: %s", name, err, tt.want, tt.says)
		}
	}
}

func TestParamsThatComeLater(t *testing.T) {
	s, late := mustSign(t, example()), example()
	late.ParamsByHTTPS = true
	if _, err := Verify(late, s, "plant-7", []Key{operator()}, made); !errors.Is(err, ErrParams) {
		t.Errorf("parameters that come twice: %v", err)
	}
	late.Params = nil
	v, err := Verify(late, s, "plant-7", []Key{operator()}, made)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReplays(t.TempDir())
	wrong := maps.Clone(example().Params)
	wrong["url"] = "https://example.org"
	for name, params := range map[string]map[string]string{"none": nil, "changed": wrong} {
		if err := r.Start(v, params, made); !errors.Is(err, ErrParams) || strings.Contains(err.Error(), "example.org") {
			t.Errorf("%s: %v, want %v", name, err, ErrParams)
		}
	}
	if err := r.Start(v, example().Params, made); err != nil {
		t.Error(err)
	}
	if err := r.Start(v, example().Params, terms.NotAfter.Add(1e6)); !errors.Is(err, ErrExpired) {
		t.Errorf("started after its not-after: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	const noEnvironment, life = "want 1–128 bytes of UTF-8", "want the second later, by at most 31 days"
	for name, tt := range map[string]struct {
		change func(*wire.Order, *Terms)
		want   string
	}{
		"no id":             {func(o *wire.Order, _ *Terms) { o.Order = "" }, "the order's id is none: use 1–64 of A–Z a–z 0–9 _ -"},
		"no digest":         {func(o *wire.Order, _ *Terms) { o.App.SHA256 = "AA" }, `the App's SHA-256 "AA" is none`},
		"no UTF-8":          {func(o *wire.Order, _ *Terms) { o.Params["a"] = "s3cret\xff" }, `the value of parameter "a" is not UTF-8; signed orders are texts`},
		"no UTF-8 in name":  {func(o *wire.Order, _ *Terms) { o.Defaults["\xff"] = "" }, `the name of default "\xff" is not UTF-8`},
		"no UTF-8 in list":  {func(o *wire.Order, _ *Terms) { o.OutVariables[0] = "\xff" }, "an output variable is not UTF-8"},
		"no UTF-8 in App":   {func(o *wire.Order, _ *Terms) { o.App.Name = "\xff" }, "the App's name is not UTF-8"},
		"no Environment":    {func(_ *wire.Order, t *Terms) { t.Environment = "" }, `its Environment is "", want 1–128 bytes of UTF-8`},
		"long Environment":  {func(_ *wire.Order, t *Terms) { t.Environment = strings.Repeat("e", 129) }, noEnvironment},
		"over at once":      {func(_ *wire.Order, t *Terms) { t.NotAfter = t.MadeAt }, "made at 2026-12-01T08:00:00Z and not after 2026-12-01T08:00:00Z: " + life},
		"too long":          {func(_ *wire.Order, t *Terms) { t.NotAfter = t.MadeAt.Add(MaxLife + time.Millisecond) }, life},
		"no time":           {func(_ *wire.Order, t *Terms) { t.MadeAt = time.Time{} }, "its times are before 1970"},
		"times far too far": {func(_ *wire.Order, t *Terms) { t.NotAfter = time.Unix(1<<53, 0) }, life},
	} {
		o, terms := example(), terms
		tt.change(o, &terms)
		if _, err := Sign(o, terms, operatorKey()); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestHostileTexts: what somebody in between can write in place of a signature.
func TestHostileTexts(t *testing.T) {
	good := mustSign(t, example())
	// written is the signature as somebody writes it who checks nothing.
	written := func(change func(*Signature)) string {
		s := *good
		change(&s)
		b := number(number(bytes.Clone(s.KeyID[:]), s.MadeAt), s.NotAfter)
		b = append(append(append(b, s.Params[:]...), s.Bytes[:]...), s.Environment...)
		return textPrefix + base64.RawURLEncoding.EncodeToString(b)
	}
	text := written(func(*Signature) {})
	for name, tt := range map[string]struct{ text, want string }{
		"a later version":  {strings.Replace(text, "v1", "v2", 1), `it does not begin with "tcsigned:v1:"`},
		"endless":          {text + strings.Repeat("A", 1000), "reading a signature: it has 1182 bytes, at most 343 are possible"},
		"padded":           {text + "=", "illegal base64"},
		"cut off":          {text[:len(textPrefix)+160], "reading a signature: it is cut off: 120 bytes, want more than 120"},
		"with line ends":   {text[:40] + "\n" + text[40:], "it has line ends in it"},
		"from before 1970": {written(func(s *Signature) { s.MadeAt = -1 }), "its times are before 1970"},
		"good for ever":    {written(func(s *Signature) { s.NotAfter = 1<<63 - 1 }), "want the second later, by at most 31 days"},
		"no UTF-8":         {written(func(s *Signature) { s.Environment = "\xff" }), `its Environment is "\xff", want 1–128 bytes of UTF-8`},
	} {
		if _, err := Parse(tt.text); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestSignatureInJSON(t *testing.T) {
	s := mustSign(t, example())
	data, err := json.Marshal(s)
	if err != nil || data[0] != '"' {
		t.Fatalf("%s, %v", data, err)
	}
	var back Signature
	if err := json.Unmarshal(data, &back); err != nil || back != *s {
		t.Errorf("%v: %+v, want %+v", err, back, *s)
	}
	if got := s.KeyID.String(); got != "0807060504030201" {
		t.Errorf("key id %s, minisign says 0807060504030201", got)
	}
	if _, err := Parse(""); !errors.Is(err, ErrUnsigned) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	text, _ := mustSign(f, example()).MarshalText()
	f.Add(string(text))
	f.Add(string(text[:len(text)-1]))
	f.Add(string(text) + "\n")
	f.Add(string(text[:40]) + "\n" + string(text[40:]))
	f.Add("tcsigned:v1:" + strings.Repeat("A", 161))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if back, err := s.MarshalText(); err != nil || string(back) != text {
			t.Errorf("%q becomes %q, %v", text, back, err)
		}
	})
}

// read takes the signed bytes apart again: where that gives the order, no other order has them.
func read(b []byte) (o wire.Order, params, defaults [32]byte) {
	next := func(n int) []byte {
		taken := b[:n]
		b = b[n:]
		return taken
	}
	number := func() int64 { return int64(binary.BigEndian.Uint64(next(8))) }
	count := func() int { return int(binary.BigEndian.Uint32(next(4))) }
	text := func() string { return string(next(count())) }
	next(len(orderHeader) + 8 + 8 + 8)
	text()
	o.Order, o.Runtime = wire.OrderID(text()), wire.Runtime(text())
	o.App = wire.AppRef{Name: text(), Version: text(), Size: number(), SHA256: wire.SHA256(text())}
	copy(params[:], next(32))
	o.KVContext = text()
	for range count() {
		o.OutVariables = append(o.OutVariables, text())
	}
	copy(defaults[:], next(32))
	o.TimeoutMS, o.Priority, o.Retryable = number(), int(number()), next(1)[0] == 1
	next(len(b))
	return o, params, defaults
}

func FuzzNoTwoOrdersHaveTheSameBytes(f *testing.F) {
	f.Add("order", "job", "App", "1.0", int64(3), "", "a", "b", int64(1000), 5, true)
	f.Fuzz(func(t *testing.T, id, runtime, name, version string, size int64, kv, a, b string, timeout int64, priority int, retryable bool) {
		o := wire.Order{
			Ref: wire.Ref{Order: wire.OrderID(id)}, Runtime: wire.Runtime(runtime), App: wire.AppRef{Name: name, Version: version, Size: size},
			KVContext: kv, OutVariables: []string{a, b}, TimeoutMS: timeout, Priority: priority, Retryable: retryable,
		}
		s := Signature{Params: digest(map[string]string{a: b})}
		back, params, defaults := read(canonical(&o, &s))
		if !reflect.DeepEqual(back, o) || params != s.Params || defaults != digest(nil) {
			t.Errorf("%+v becomes %+v", o, back)
		}
		if a != b && digest(map[string]string{a: b}) == digest(map[string]string{b: a}) {
			t.Errorf("%q and %q can be exchanged", a, b)
		}
	})
}
