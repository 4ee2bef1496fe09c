package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestApart(t *testing.T) {
	type m = map[string]string
	for text, want := range map[string]m{
		"proxy":                           {"proxyHost": "proxy"},
		"socks5://proxy":                  {"proxyHost": "socks5://proxy"},
		"proxy:3128":                      {"proxyHost": "proxy", "proxyPort": "3128"},
		"http://proxy:3128/":              {"proxyHost": "http://proxy", "proxyPort": "3128"},
		"https://joe@proxy":               {"proxyHost": "https://proxy", "proxyUsername": "joe"},
		"http://joe:p%40w%3a@[2001::1]:1": {"proxyHost": "http://[2001::1]", "proxyPort": "1", "proxyUsername": "joe", "proxyPassword": "p@w:"},
		"2001::1":                         {"proxyHost": "2001::1"},
		"http://joe:p/w@proxy:3128":       {"proxyHost": "http://joe:p/w@proxy:3128"}, // which is refused
		"http://proxy:3128/x":             {"proxyHost": "http://proxy:3128/x"},
	} {
		if d := cmp.Diff(want, Apart(m{"proxyHost": text})); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
	both := m{"PROXYHOST": "proxy:3128", "proxyPort": "8080"}
	if d := cmp.Diff(both, Apart(both)); d != "" {
		t.Errorf("a port that is given twice: %s", d)
	}
	if d := cmp.Diff(m{"PROXYHOST": "proxy", "proxyPort": "1"}, Apart(m{"PROXYHOST": "proxy:1", "PROXYPORT": ""})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(m{"logLevel": "debug"}, Apart(m{"logLevel": "debug"})); d != "" {
		t.Error(d)
	}
}

// TestProxyURL: the URL that people know from HTTPS_PROXY works in each layer, and its password is a
// secret like one that was set by itself.
func TestProxyURL(t *testing.T) {
	const url = "http://joe:s3cr3t@proxy:3128"
	file := filepath.Join(t.TempDir(), "settings.yaml")
	seal := func(name, plain string) (string, error) { return "ENC[" + name + fmt.Sprint(len(plain)) + "]", nil }
	if err := Set(file, map[string]string{"proxyHost": url}, seal); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "s3cr3t") || !strings.Contains(string(text), "proxyPassword: ENC[proxyPassword6]") {
		t.Errorf("saved %v:\n%s", err, text)
	}
	if err := Set(file, map[string]string{"proxyHost": "http://joe:ENC%5Bx%5D@proxy:3128"}, seal); err == nil {
		t.Error("a text that looks sealed is taken as sealed")
	}
	plain := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(plain, []byte(header+"proxyHost: "+url+"\n"+trailer), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"file": {File: plain}, "environment": {Env: []string{"TCENVSVR_PROXYHOST=" + url}}, "flag": {File: file, Overrides: map[string]string{"proxyHost": url}},
	} {
		s, _, err := Load(o)
		if err != nil || s.ProxyURL().String() != url || s.Text("proxyPassword") != redacted {
			t.Errorf("%s: got %v, %v", name, s.ProxyURL(), err)
		}
	}
}

// TestNoSecretIsQuoted plants a secret in every setting, in every form that is refused, in every
// layer.
func TestNoSecretIsQuoted(t *testing.T) {
	const secret = "PLANTEDs3cr3t"
	wrong := []string{
		"http://joe:" + secret + "@proxy:3128/x", "https://" + secret + "@c.example:99999", "joe:" + secret + "@proxy:1:2",
		"https://c.example/?token=" + secret, "ftp://a:b/" + secret + "@proxy#" + secret, "://joe:" + secret + "\n@x",
	}
	forms := []string{"{password: " + secret + "}", "[" + secret + "]", "{a: {b: [" + secret + "]}}", "'" + secret + "\nx: ["}
	for _, s := range All {
		var all []map[string]error
		for _, w := range wrong {
			_, _, byBundle := Load(Options{Bundle: map[string]string{s.Name: w}})
			_, _, byEnv := Load(Options{Env: []string{s.Env() + "=" + w}})
			_, _, byFlag := Load(Options{Overrides: map[string]string{s.Name: w}})
			bySet := Set(filepath.Join(t.TempDir(), "settings.yaml"), map[string]string{s.Name: w}, nil)
			all = append(all, map[string]error{w + " in a bundle": byBundle, w + " in the environment": byEnv, w + " as flag": byFlag, w + " set": bySet})
		}
		for _, form := range append(forms, wrong...) {
			file := filepath.Join(t.TempDir(), "settings.yaml")
			if err := os.WriteFile(file, []byte(header+s.Name+": "+form+"\n"+trailer), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := Load(Options{File: file})
			all = append(all, map[string]error{form + " in the file": err})
		}
		for _, errs := range all {
			for how, err := range errs {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%s, %q: %v", s.Name, how, err)
				}
			}
		}
	}
	if _, _, err := Load(Options{Overrides: map[string]string{"proxyHost": "http://joe:p/w@proxy"}}); err == nil || !strings.Contains(err.Error(), "proxyUsername") || !strings.Contains(err.Error(), "proxyPassword") {
		t.Errorf("it is not said where user name and password go: %v", err)
	}
}

func TestPAC(t *testing.T) {
	for _, v := range []string{"http://wpad.example/proxy.pac", "http://wpad/wpad.dat", "pac+http://x", "http://x:8080/a.PAC?x=1"} {
		if _, _, err := Load(Options{Overrides: map[string]string{"proxyHost": v}}); err == nil || !strings.Contains(err.Error(), "PAC files are not supported") {
			t.Errorf("%s: got %v", v, err)
		}
	}
}

func TestFindOtherProxy(t *testing.T) {
	for text, want := range map[string]*OtherProxy{
		"":                                    nil,
		"HTTPS_PROXY=":                        nil,
		"NO_PROXY=x":                          nil,
		"https_proxy=proxy:3128":              {"https_proxy", "proxy", "3128"},
		"HTTPS_PROXY=http://joe:s3@[::1]:1/x": {"HTTPS_PROXY", "::1", "1"},
		"HTTPS_PROXY=http://joe:\x7f@x":       nil,
	} {
		if d := cmp.Diff(want, FindOtherProxy([]string{"PATH=/bin", text})); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}
