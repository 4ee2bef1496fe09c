package settings

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link"
)

// The table and the struct are one list: same names, same order, same kinds.
func TestTableAndStructAgree(t *testing.T) {
	typ := reflect.TypeFor[Settings]()
	if typ.NumField() != len(All) {
		t.Fatalf("Settings has %d fields, All has %d rows", typ.NumField(), len(All))
	}
	kinds := map[Kind]reflect.Type{
		Text: reflect.TypeFor[string](), Number: reflect.TypeFor[int](),
		Seconds: reflect.TypeFor[time.Duration](), Switch: reflect.TypeFor[bool](),
	}
	for i, s := range All {
		f, want := typ.Field(i), kinds[s.Kind]
		if s.Secret {
			want = reflect.TypeFor[Secret]()
		}
		if got := f.Tag.Get("koanf"); got != s.Name {
			t.Errorf("row %d is %q, field %s has the tag %q", i, s.Name, f.Name, got)
		}
		if f.Type != want {
			t.Errorf("%s: field %s is a %s, want %s", s.Name, f.Name, f.Type, want)
		}
		if s.Help == "" || strings.HasSuffix(s.Help, ".") {
			t.Errorf("%s: help %q, want a sentence without full stop", s.Name, s.Help)
		}
		for _, v := range []string{s.Default, s.Example} {
			if _, err := s.Parse(v); v != "" && err != nil {
				t.Errorf("%s: default or example %q is not allowed: want %v", s.Name, v, err)
			}
		}
		if n := s.Kind == Number || s.Kind == Seconds; n != (s.Max != 0) {
			t.Errorf("%s: range %d–%d of a %s", s.Name, s.Min, s.Max, s.Kind)
		}
	}
}

func TestMenuNumbersStay(t *testing.T) {
	for number, name := range map[int]string{
		1: "apiURL", 3: "appsJavaHome", 5: "appsPythonHome", 6: "appsPythonHome311", 13: "proxyExternal", 14: "proxyHost",
		15: "proxyPassword", 16: "proxyPort", 17: "proxyTC", 18: "proxyUsername", 22: "serverXid",
	} {
		if got := All[number-1].Name; got != name {
			t.Errorf("item %d: got %s, want %s", number, got, name)
		}
	}
}

func TestLayersWinFromLeftToRight(t *testing.T) {
	file := write1(t, "proxyHost: from-file\nproxyusername: any-case\nproxyPort: 3128\nlogLevel: warn\nbrokerToken: \"007\"\nserverName:\n")
	s, origins, err := Load(Options{
		File: file,
		Env: []string{"TCENVSVR_PROXYPORT=3129", "tcenvsvr_loglevel=debug", "TCENVSVR_HOME=/x", "TCENVSVR_NEWS=1",
			"TCENVSVR_PROXYHOST=", "TCENVSVR_RELAYSYSTEMINFOPUBLISHSECONDS=90"},
		Overrides: map[string]string{"logLevel": "error"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		BrokerToken: NewSecret("007"), ProxyHost: "from-file", ProxyUsername: "any-case", ProxyPort: 3129, LogLevel: "error", UpdateMode: "self",
		JobExecutors: 8, Services: 4, SessionDaysToKeep: 30, InfoInterval: 90 * time.Second, DefaultTimeout: time.Hour,
		CPUWeight: 100, AppsIsolation: "auto", JavaArchives: "auto", OutputMaxBytes: 10 << 20, AppsRunner: "auto", SessionsShare: 20, TasksMax: 2048, AppsWarm: "auto", BrokerPort: 62000, Drain: 30 * time.Second,
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("settings differ (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"proxyHost": `file "` + file + `"`, "proxyPort": "environment TCENVSVR_PROXYPORT", "logLevel": "flag --logLevel",
		"brokerPort": "default", "serverName": "default",
	} {
		if got := origins[name].String(); got != want {
			t.Errorf("origin of %s: got %s, want %s", name, got, want)
		}
	}
}

// An empty flag has the default count again; an empty variable says nothing.
func TestAnEmptyFlagIsMeant(t *testing.T) {
	file := write1(t, "proxyHost: p\nappsSandboxUser: tc-job\nproxyPort: 3128\nlogLevel: warn\nproxyTC: true\ndrainSeconds: 5\n")
	env := []string{"TCENVSVR_PROXYHOST=", "TCENVSVR_APPSSANDBOXUSER=", "TCENVSVR_DRAINSECONDS=7"}
	s, _, err := Load(Options{File: file, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if s.ProxyHost != "p" || s.SandboxUser != "tc-job" {
		t.Errorf("empty variables: got %+v", s)
	}
	flags := map[string]string{}
	for _, row := range All {
		flags[row.Name] = ""
	}
	s, origins, err := Load(Options{File: file, Env: env, Overrides: flags})
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("empty flags (-defaults +got):\n%s", diff)
	}
	if got := origins["appsSandboxUser"].String(); got != "flag --appsSandboxUser" {
		t.Errorf("origin: got %s", got)
	}
}

func TestAVetoKeepsChangesFromTheFile(t *testing.T) {
	file := write1(t, "proxyHost: p\nproxyPort: 3128\n")
	refusal := errors.New("no")
	o := Options{File: file, Env: []string{"TCENVSVR_PROXYUSERNAME=me"}}
	err := Change(o, map[string]string{"proxyPort": "", "proxyPassword": "x"}, nil, func(before, after Settings) error {
		if before.ProxyPort != 3128 || after.ProxyPort != 0 || after.ProxyPassword.Reveal() != "x" || after.ProxyUsername != "me" {
			t.Errorf("the veto saw %+v and %+v", before, after)
		}
		if _, ok := errors.AsType[*ConflictError](after.Check()); !ok {
			t.Errorf("Check: got %v, want a *ConflictError", after.Check())
		}
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("got %v, want the veto's error", err)
	}
	if s, _, err := Load(Options{File: file}); err != nil || s.ProxyPort != 3128 || !s.ProxyPassword.Empty() {
		t.Errorf("the file changed: %+v, %v", s, err)
	}
}

func TestLoadSaysEverythingThatIsWrong(t *testing.T) {
	file := write1(t, "proxyHots: x\nproxyHost: proxy.example:3128\nproxyPort: 8080\nproxy: {host: y}\nbrokerPort: 70000\nproxyTC: maybe\nserverXid: a b\nbrokerToken: 1e9\nqueueTransport: pigeon\n")
	_, _, err := Load(Options{File: file, Env: []string{"TCENVSVR_DRAINSECONDS=soon"}, Overrides: map[string]string{"appsSandboxUser": "-i"}})
	if err == nil {
		t.Fatal("got no error")
	}
	at := ` (file "` + file + `"): `
	for _, want := range []string{
		`unknown setting "proxyHots"` + at + `did you mean "proxyHost"?`,
		`setting "proxyHost" is "proxy.example:3128"` + at + `want a host without a port; the port goes to proxyPort`,
		`unknown setting "proxy" (file "` + file + `")`,
		`setting "brokerPort" is "70000"` + at + `want a whole number from 1 to 65535`,
		`setting "proxyTC" is "maybe"` + at + `want true or false`,
		`setting "serverXid" is "a b"` + at + `want 1 to 64 letters, digits, - and _`,
		`setting "brokerToken" is "[redacted]"` + at + `want a text: put it in quotes`,
		`setting "queueTransport" is "pigeon"` + at + `want nothing or websocket`,
		`setting "drainSeconds" is "soon" (environment TCENVSVR_DRAINSECONDS): want a whole number of seconds from 0 to 86400`,
		`setting "appsSandboxUser" is "-i" (flag --appsSandboxUser): want a user's name, not root`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks: %s", want)
		}
	}
	if e, ok := errors.AsType[*UnknownKeyError](err); !ok || e.Key != "proxy" {
		t.Errorf("got %v, want an *UnknownKeyError first", e)
	}
}

// What a file that is no YAML contains must not get into the error.
func TestParserErrorsQuoteNothing(t *testing.T) {
	for _, text := range []string{"brokerToken: *hunter2\n", "hunter2", "a: 'hunter2\n", "hunter2: 1\nhunter2: 2\n", "- hunter2"} {
		_, _, err := Load(Options{File: write1(t, text)})
		if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "reading settings") {
			t.Errorf("%q: got %v, want an error without what the file says", text, err)
		}
	}
}

func TestTexts(t *testing.T) {
	for name, values := range map[string]struct{ good, bad []string }{
		"apiURL": {
			[]string{"https://a", "https://a.example.com:8443", "https://[::1]:443/x"},
			[]string{"http://a", "https://", "a", "https://u:p@a", "https://a?q", "https://a:0", "https://a b", "https://a:port"}},
		"brokerHost": {
			[]string{"a", "a.b:1", "10.0.0.1", "::1", "[::1]", "[::1]:62000", "under_score", "a,b:1,[::1]:62000"},
			[]string{"a,", ",a", "a, b", "a,a", "a,b c", strings.Repeat("a,", 16) + "b", "tls://a", "a:", "a:0", "a:65536", "a b", ":1", "-a", "[::1", "a/b"}},
		"proxyHost": {
			[]string{"p", "https://p", "socks5://10.0.0.1", "http://[::1]"},
			[]string{"ftp://p", "p:3128", "https://p:1", "u@p", "https://", "p/"}},
		"appsSandboxUser": {[]string{"tc-job", "_x.y"}, []string{"root", "-u", "a b", "a;b", "1000"}},
		"serverName":      {[]string{"Büro 1"}, []string{" a", "a\nb", strings.Repeat("x", 129)}},
		"proxyPassword":   {[]string{" blank around "}, []string{"a\x00b", strings.Repeat("x", 5000)}},
	} {
		s, _ := Lookup(name)
		for _, v := range values.good {
			if _, err := s.Parse(v); err != nil {
				t.Errorf("%s %q: want %v, should be allowed", name, v, err)
			}
		}
		for _, v := range values.bad {
			if _, err := s.Parse(v); err == nil {
				t.Errorf("%s %q is allowed", name, v)
			}
		}
	}
}

func TestDerived(t *testing.T) {
	s := Settings{BrokerHost: "::1", BrokerPort: 62000, ProxyHost: "https://p", ProxyPort: 3128,
		ProxyUsername: "u", ProxyPassword: NewSecret("a/b"), AppsRunner: "auto"}
	if got, want := s.BrokerAddr(), "[::1]:62000"; got != want {
		t.Errorf("BrokerAddr: got %s, want %s", got, want)
	}
	s.BrokerHost = "b:1"
	if got, want := s.BrokerAddr(), "b:1"; got != want {
		t.Errorf("BrokerAddr: got %s, want %s", got, want)
	}
	s.BrokerHost = "a,b:1,::1"
	if got, want := s.BrokerAddr(), "a:62000,b:1,[::1]:62000"; got != want {
		t.Errorf("BrokerAddr: got %s, want %s", got, want)
	}
	if got, want := s.ProxyURL().String(), "https://u:a%2Fb@p:3128"; got != want {
		t.Errorf("ProxyURL: got %s, want %s", got, want)
	}
	if got := s.Runner(); got != "none" {
		t.Errorf("Runner without a sandbox user: got %s, want none", got)
	}
	s.SandboxUser = "tc-job"
	if got := s.Runner(); (got == "sudo") != Sandboxed {
		t.Errorf("Runner with a sandbox user: got %s", got)
	}
	if err := s.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	bad := Settings{ProxyTC: true, ProxyExternal: true, ProxyPassword: NewSecret("x"), AppsRunner: "sudo"}
	err := bad.Check()
	for _, name := range []string{"proxyTC", "proxyExternal", "proxyPassword", "appsRunner"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Check says %v, want something about %s", err, name)
		}
	}
	if err := (Settings{APIURL: "https://a"}).Enrolled(); !errors.Is(err, ErrNotEnrolled) || strings.Contains(err.Error(), "apiURL") || !strings.Contains(err.Error(), "serverXid") {
		t.Errorf("Enrolled: got %v", err)
	}
}

func TestSetKeepsTheOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	set := func(changes map[string]string) {
		t.Helper()
		if err := Set(file, changes, nil); err != nil {
			t.Fatal(err)
		}
	}
	set(map[string]string{"serverName": "true", "PROXYPORT": "3128", "brokerToken": "0x1F # 'quoted'", "proxyTC": "true", "drainSeconds": "5"})
	set(map[string]string{"proxyTC": "", "proxyHost": "p"})
	s, origins, err := Load(Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if s.ServerName != "true" || s.ProxyPort != 3128 || s.ProxyHost != "p" || s.ProxyTC || s.Drain != 5*time.Second ||
		s.BrokerToken.Reveal() != "0x1F # 'quoted'" || origins["proxyTC"].Layer != FromDefault {
		t.Errorf("got %+v", s)
	}
	before, _ := os.ReadFile(file)
	for _, bad := range []map[string]string{{"brokerPort": "0"}, {"nonsense": ""}, {"proxyHost": "ok", "brokerPort": "x"}} {
		if err := Set(file, bad, nil); err == nil {
			t.Errorf("Set(%v): got no error", bad)
		}
	}
	if after, _ := os.ReadFile(file); string(after) != string(before) {
		t.Error("a refused Set changed the file")
	}
	if info, _ := os.Stat(file); info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode of the file: got %o, want 600", info.Mode().Perm())
	}
}

func write1(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPartOfAFile: no beginning of a file that we saved passes for the whole.
func TestPartOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := Set(file, map[string]string{"appsSandboxUser": "tc-job", "logLevel": "debug", "serverXid": "x"}, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(file, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Load(Options{File: file}); err == nil {
			t.Errorf("the first %d of %d bytes pass for the file:\n%s", n, len(whole), whole[:n])
		}
	}
}

// TestGoneFile: an enrolled host without its settings does not go on with the defaults.
func TestGoneFile(t *testing.T) {
	dir := t.TempDir()
	o := Options{File: filepath.Join(dir, "settings.yaml"), Keystore: filepath.Join(dir, "keystore.p12")}
	if _, _, err := Load(o); err != nil {
		t.Errorf("never enrolled: %v", err)
	}
	if err := os.WriteFile(o.Keystore, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Load(o)
	for name, err := range map[string]error{"loading": err, "changing": Change(o, map[string]string{"logLevel": "debug"}, nil, nil)} {
		if _, ok := errors.AsType[*FileError](err); !ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestBrokerPortIsThatOfTheLink(t *testing.T) {
	s, ok := Lookup("brokerPort")
	if !ok || s.Default != link.DefaultPort {
		t.Errorf("brokerPort is %q by default; want %q", s.Default, link.DefaultPort)
	}
}
