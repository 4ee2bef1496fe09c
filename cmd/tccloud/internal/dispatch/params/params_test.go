package params

import (
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestInputs: where parameters are kept follows their size.
func TestInputs(t *testing.T) {
	for name, tt := range map[string]struct {
		size          int
		object, https bool
		want          string
	}{
		"small":     {100, false, false, ""},
		"object":    {maxInline, true, false, ""},
		"by HTTPS":  {maxFrame, true, true, ""},
		"too large": {maxSize, false, false, "bytes of parameters, at most"},
	} {
		secret := strings.Repeat("s", tt.size)
		in, content, err := Inputs("id", map[string]string{"password": secret}, map[string]string{"d": "1"})
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sss") {
				t.Errorf("%s: got %.100v", name, err)
			}
			continue
		}
		if err != nil || len(content) < tt.size || in.Defaults["d"] != "1" {
			t.Errorf("%s: %d bytes, %v", name, len(content), err)
			continue
		}
		if (in.Object == "id") != tt.object || in.ByHTTPS != tt.https || (in.Params["password"] == secret) == tt.object {
			t.Errorf("%s: object %q, by HTTPS %v, %d parameters in the record", name, in.Object, in.ByHTTPS, len(in.Params))
		}
	}
}

// TestDamaged: what the store has in the place of an order's parameters is not quoted.
func TestDamaged(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s, err := Open(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	in, content, err := Inputs("o", map[string]string{"password": strings.Repeat("s3cr3t", 10_000)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), in, content[:len(content)/2]); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), in); err == nil || !strings.Contains(err.Error(), `reading the parameters of order "o": not the JSON that was stored`) || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("got %v, %.200v", len(got), err)
	}
	if err := s.Put(t.Context(), in, content); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), in); err != nil || len(got["password"]) != 60_000 {
		t.Errorf("got %d bytes, %v", len(got["password"]), err)
	}
}
