package catalog_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// signed signs a package with a new key, and returns the signature's text and the key's id.
func signed(t *testing.T, pkg []byte, c signature.Comment) (text []byte, id string) {
	t.Helper()
	k, err := signature.Generate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := signature.Sign(k, bytes.NewReader(pkg), c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Encode(), k.Public().ID.String()
}

// Agents get the signature that an App has now, and 404 for one without.
func TestSignature(t *testing.T) {
	s := newSite(t)
	pkg := tcx(t, "a_v1", manifest("1.0.0", "Playbook"))
	serves := func(want string) {
		t.Helper()
		res, body := s.do("GET", "apps/"+digest(pkg)+"/signature", "tok-mine", nil)
		status := 200
		if want == "" {
			status, want = 404, "no App with this digest, or it is not signed\n"
		}
		if res.StatusCode != status || body != want {
			t.Fatalf("got %s %q, want %d %q", res.Status, body, status, want)
		}
	}
	serves("")
	add := func(text []byte, by string) {
		t.Helper()
		app, err := s.Add(t.Context(), bytes.NewReader(pkg), text, false, unused)
		if err != nil || app.SignedBy != by {
			t.Fatalf("got signed by %q, %v, want %q", app.SignedBy, err, by)
		}
		if app, err = s.Get(t.Context(), "a", "1.0.0"); err != nil || app.SignedBy != by {
			t.Fatalf("catalog: got signed by %q, %v, want %q", app.SignedBy, err, by)
		}
	}
	add(nil, "")
	serves("")
	one, by1 := signed(t, pkg, signature.Comment{App: "a", Version: "1.0.0"})
	add(one, by1)
	serves(string(one))
	add(nil, by1) // the same package again keeps it
	serves(string(one))
	two, by2 := signed(t, pkg, signature.Comment{App: "a", Version: "1.0.0"})
	if app, err := s.Sign(t.Context(), "a", "1.0.0", two); err != nil || app.SignedBy != by2 {
		t.Fatalf("got signed by %q, %v, want %q", app.SignedBy, err, by2)
	}
	serves(string(two))

	other, _ := signed(t, pkg, signature.Comment{App: "b", Version: "1.0.0"})
	for name, text := range map[string][]byte{
		"of another App": other, "empty": {}, "junk": []byte("hello"), "two lines more": append(bytes.Clone(one), one...),
	} {
		if _, err := s.Sign(t.Context(), "a", "1.0.0", text); !errors.Is(err, catalog.ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
		if _, err := s.Add(t.Context(), bytes.NewReader(pkg), text, false, unused); !errors.Is(err, catalog.ErrSignature) {
			t.Errorf("adding %s: got %v, want ErrSignature", name, err)
		}
	}
	if _, err := s.Sign(t.Context(), "none", "", two); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	serves(string(two))
	for path, want := range map[string]int{"apps/" + strings.Repeat("0", 64) + "/signature": 404, "apps/junk/signature": 404} {
		if res, _ := s.do("GET", path, "tok-mine", nil); res.StatusCode != want {
			t.Errorf("%s: got %s, want %d", path, res.Status, want)
		}
	}
	if res, _ := s.do("GET", "apps/"+digest(pkg)+"/signature", "x", nil); res.StatusCode != 401 {
		t.Errorf("without a token: got %s, want 401", res.Status)
	}

	// Content that an execution needs keeps its signature; the signature goes with the content.
	used := func(wire.SHA256) (bool, error) { return true, nil }
	if err := s.Remove(t.Context(), "a", "1.0.0", used); err != nil {
		t.Fatal(err)
	}
	serves(string(two))
	add(nil, by2)
	if err := s.Remove(t.Context(), "a", "1.0.0", unused); err != nil {
		t.Fatal(err)
	}
	serves("")
}
