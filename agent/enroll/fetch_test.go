package enroll

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestFetch: nothing but the pinned certificate is believed, and no error shows the link.
func TestFetch(t *testing.T) {
	used := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/enroll/token" || used {
			http.Error(w, "used already\x1b[2J\nhint: run this", http.StatusGone)
			return
		}
		used = true
		_, _ = w.Write([]byte("apiURL=https://c.example\n"))
	}))
	defer s.Close()
	sum := sha256.Sum256(s.Certificate().Raw)
	link := s.URL + "/enroll/token#sha256="
	good, bad := link+hex.EncodeToString(sum[:]), link+strings.Repeat("0", 64)
	const noEnd = "its end, #sha256= and 64 hex digits, is missing: copy the whole link, in quotes"
	dial := (&net.Dialer{}).DialContext
	for _, tc := range []struct {
		name, link string
		want       error
		says       string
	}{
		{"another pin", bad, ErrPin, ""},
		{"another host", strings.Replace(good, "127.0.0.1", "localhost", 1), ErrPin, ""}, // not in the certificate
		{"good", good, nil, ""},
		{"used", good, ErrLink, `fetching the bundle from "` + s.Listener.Addr().String() + `": the link is not good: 410 Gone: used already`},
		{"used", good, ErrLink, "a link works once and for a limited time; make another with \"tccloud bundle ENV --link\""},
		{"no pin", s.URL + "/enroll/token", ErrLink, noEnd},
		{"short pin", link + "00", ErrLink, noEnd},
		{"no https", "http://x/enroll/token#sha256=" + strings.Repeat("0", 64), ErrLink, "want https://…#sha256="},
		{"no URL", "https://x/%zz/token#sha256=" + strings.Repeat("0", 64), ErrLink, "want https://…#sha256="},
		{"no host", "https:///enroll/token#sha256=" + strings.Repeat("0", 64), ErrLink, "want https://…#sha256="},
	} {
		b, err := Fetch(t.Context(), tc.link, dial)
		if err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.says)
		}
		if !errors.Is(err, tc.want) || err != nil && (strings.Contains(err.Error(), "token") || strings.ContainsAny(err.Error(), "\x1b") || strings.Contains(err.Error(), "\nhint: run this")) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
		if tc.want == nil && (b == nil || b.Settings["apiURL"] != "https://c.example") {
			t.Errorf("%s: got %+v", tc.name, b)
		}
	}
}
