package release

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func example() Release {
	return Release{
		Version: "1.4.2", OS: "linux", Arch: "amd64", Size: 10, SHA256: strings.Repeat("ab", 32), MinFrom: "1.0.0", Severity: "security",
		Deltas: []Delta{{From: strings.Repeat("01", 32), SHA256: strings.Repeat("cd", 32), Size: 3}},
	}
}

func decode(t *testing.T, name string, r Release, data string) (Release, error) {
	t.Helper()
	sum, err := hex.DecodeString(r.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return Decode(name, r.Size, sum, []byte(data))
}

func TestNames(t *testing.T) {
	r := example()
	for got, want := range map[string]string{
		r.Name():                 "tcenvsvr/linux/amd64/1.4.2/tcenvsvr",
		r.File():                 "tcenvsvr/linux/amd64/1.4.2/" + r.SHA256 + ".tcenvsvr",
		r.DeltaFile(r.Deltas[0]): "tcenvsvr/linux/amd64/1.4.2/" + r.Deltas[0].SHA256 + ".delta",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	r.OS = "windows"
	if got, want := r.Name(), "tcenvsvr/windows/amd64/1.4.2/tcenvsvr.exe"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecodeIsStrict(t *testing.T) {
	r := example()
	data, err := r.Custom()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decode(t, r.Name(), r, string(data)); err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("got %+v, %v, want %+v", got, err, r)
	}
	for name, c := range map[string]struct{ target, data, want string }{
		"other name":      {strings.Replace(r.Name(), "1.4.2", "1.4.3", 1), string(data), "its data says"},
		"other platform":  {strings.Replace(r.Name(), "linux", "darwin", 1), string(data), "its data says"},
		"unknown field":   {r.Name(), strings.Replace(string(data), `"os"`, `"run":"x","os"`, 1), "unknown field"},
		"trailing":        {r.Name(), string(data) + "{}", "after its end"},
		"v before it":     {r.Name(), strings.Replace(string(data), `"1.4.2"`, `"v1.4.2"`, 1), `version "v1.4.2" is no semantic version`},
		"build metadata":  {r.Name(), strings.Replace(string(data), `"1.4.2"`, `"1.4.2+x"`, 1), "no semantic version"},
		"two numbers":     {r.Name(), strings.Replace(string(data), `"1.4.2"`, `"1.4"`, 1), "no semantic version"},
		"path in the os":  {r.Name(), strings.Replace(string(data), `"linux"`, `"../x"`, 1), "platform"},
		"min_from":        {r.Name(), strings.Replace(string(data), `"1.0.0"`, `"newest"`, 1), `min_from "newest" is no semantic version`},
		"many deltas":     {r.Name(), strings.Replace(string(data), `"deltas":[`, `"deltas":[`+strings.Repeat(`{"size":1},`, 64), 1), "65 deltas are more than 64"},
		"severity":        {r.Name(), strings.Replace(string(data), `"security"`, `"fun"`, 1), "severity"},
		"delta digest":    {r.Name(), strings.Replace(string(data), strings.Repeat("cd", 32), "../../x", 1), "a delta has no valid digests and size"},
		"nothing":         {r.Name(), "", "EOF"},
		"null":            {r.Name(), "null", "no semantic version"},
		"delta too large": {r.Name(), strings.Replace(string(data), `"size":3`, `"size":999999999999`, 1), "delta"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decode(t, c.target, r, c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestOtherBytesThanSigned(t *testing.T) {
	data := []byte("ten bytes!")
	sum := sha256.Sum256(data)
	r := example()
	r.SHA256 = hex.EncodeToString(sum[:])
	if err := r.Verify(data); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"", "ten bytes", "Ten bytes!", "ten bytes!!"} {
		if err := r.Verify([]byte(other)); err == nil || !strings.Contains(err.Error(), "release 1.4.2: the program is not the one that was signed") {
			t.Errorf("%q: got %v", other, err)
		}
	}
	if _, err := Decode(r.Name(), r.Size, nil, nil); err == nil {
		t.Error("nothing was decoded")
	}
	data, _ = example().Custom()
	if _, err := Decode(r.Name(), r.Size, sum[:31], data); err == nil || !strings.Contains(err.Error(), "SHA-256 is missing or no 64 hex digits") {
		t.Errorf("half a digest: got %v", err)
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1.10.0", "1.9.9", 1}, {"1.0.0-rc.1", "1.0.0", -1}, {"1.0.0", "1.0.0", 0}, {"devel", "0.0.1", -1},
	} {
		if got := Compare(c.a, c.b); got != c.want {
			t.Errorf("Compare(%q, %q): got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// What decodes encodes to something that decodes to the same.
func FuzzDecode(f *testing.F) {
	r := example()
	data, _ := r.Custom()
	f.Add(r.Name(), r.Size, data)
	f.Add("tcenvsvr/windows/arm64/2.0.0-rc.1/tcenvsvr.exe", int64(5), []byte(`{"version":"2.0.0-rc.1","os":"windows","arch":"arm64"}`))
	f.Fuzz(func(t *testing.T, name string, size int64, data []byte) {
		sum := make([]byte, 32)
		first, err := Decode(name, size, sum, data)
		if err != nil {
			return
		}
		again, err := first.Custom()
		if err != nil {
			t.Fatal(err)
		}
		second, err := Decode(first.Name(), first.Size, sum, again)
		if err != nil || first.Name() != second.Name() || len(first.Deltas) != len(second.Deltas) {
			t.Fatalf("got %+v, %v, want %+v", second, err, first)
		}
	})
}
