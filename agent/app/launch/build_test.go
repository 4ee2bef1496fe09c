package launch

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
)

// tree makes empty executable files below a new folder.
func tree(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// secrets must be in no argv; they are all in execution.
var secrets = []string{"T0KEN:a+b/c=", "app secret", "proxy secret"}

func execution(t testing.TB) Execution {
	return Execution{
		Session: "o.1", JobDir: filepath.Join(tree(t), "o.1"),
		AppParams: map[string]string{"secret": secrets[1], "tags": "a|b", "flag": "true", "off": "false", "tc_log_level": "debug", "minus": "-5"},
		Defaults:  map[string]string{"tc_log_level": "info", "tc_user_id": "7", "tc_token": "not this one"},
		APIPath:   "https://cloud.example:8443/api", Token: secrets[0], TokenExpires: time.Unix(1700000000, 0),
		Proxy:      Proxy{Host: "proxy", Port: 3128, Username: "u", Password: secrets[2], External: true},
		TrustEnv:   []string{"SSL_CERT_FILE=/ca.pem"},
		TrustArgs:  []string{"-Djavax.net.ssl.trustStore=/t.p12"},
		PythonHome: tree(t, pythonPlaces[0]), JavaHome: tree(t, javaPlaces[0]),
	}
}

var params = []tcx.Param{
	{Name: "secret", Type: "String", Encrypt: true}, {Name: "tags", Type: "MultiChoice", AllowMultiple: true},
	{Name: "flag", Type: "Boolean"}, {Name: "off", Type: "Boolean"}, {Name: "minus", Type: "String"},
}

func file(t testing.TB, l job.Launch, name string) []byte {
	t.Helper()
	if i := slices.IndexFunc(l.Isolation.Files, func(f job.MemoryFile) bool { return f.Name == name }); i >= 0 {
		return l.Isolation.Files[i].Data
	}
	i := slices.IndexFunc(l.Files, func(f job.File) bool { return filepath.Base(f.Path) == name })
	if i < 0 {
		t.Fatalf("no file %q", name)
	}
	if f := l.Files[i]; f.Mode != 0o600 || filepath.Dir(f.Path) != filepath.Join(l.Dir, "in") {
		t.Errorf("%q has mode %v", f.Path, f.Mode)
	}
	return l.Files[i].Data
}

func value(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// opened decrypts the parameter file as an App does.
func opened(t testing.TB, l job.Launch) map[string]string {
	t.Helper()
	data := slices.Clone(file(t, l, ".app_params.json"))
	block, err := aes.NewCipher([]byte(value(l.Env, "TC_APP_PARAM_KEY")))
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(data, data)
	var p map[string]string
	if err := json.Unmarshal(data[:len(data)-int(data[len(data)-1])], &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func build(t testing.TB, dir string, m tcx.Manifest, e Execution) job.Launch {
	t.Helper()
	m.ListDelimiter = "|"
	l, err := Build(dir, m, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Validate(); err != nil {
		t.Error(err)
	}
	for _, s := range secrets {
		if strings.Contains(strings.Join(l.Argv, " "), s) {
			t.Errorf("argv shows %q", s)
		}
	}
	return l
}

func TestRecipes(t *testing.T) {
	for _, tt := range []struct {
		name, main string
		features   []string
		files      []string
		want       []string // sys.argv, up to the first option
	}{
		{"a file", "run.py", []string{"fileparams"}, []string{"run.py"}, []string{"run.py"}},
		{"a module", "prog", []string{"fileparams"}, []string{"__main__.py"}, []string{".", "prog"}},
		{"a module without __main__", "prog", []string{"fileparams"}, []string{"prog.py"}, []string{"prog.py"}},
		{"file before secure", "run.py", []string{"secureparams", "fileparams"}, []string{"run.py"}, []string{"run.py"}},
		{"secure", "prog", []string{"secureparams"}, []string{"__main__.py"}, []string{".", "prog", "--tc_api_path"}},
		{"arguments", "run.py", nil, []string{"run.py"}, []string{"run.py", "--flag"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := execution(t)
			l := build(t, tree(t, tt.files...), tcx.Manifest{Language: "python", Main: tt.main, Features: tt.features, Params: params}, e)
			argv := l.Argv[1:]
			if !slices.Contains(tt.features, "fileparams") {
				if err := json.Unmarshal(file(t, l, ".tc_argv.json"), &argv); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(tt.want, argv[:len(tt.want)]); d != "" || l.Argv[0] != filepath.Join(e.PythonHome, pythonPlaces[0]) {
				t.Errorf("argv[0] %q %s", l.Argv[0], d)
			}
		})
	}
}

// What is to be started is looked for first: an interpreter that finds nothing ends like an App that
// failed.
func TestNoProgram(t *testing.T) {
	for main, says := range map[string]string{"run.py": `programMain is "run.py", and its package has no run.py`, "prog": "has no prog.py"} {
		_, err := Build(tree(t, "other.py", "run.py/x"), tcx.Manifest{Language: "python", Main: main, Features: []string{"fileparams"}}, execution(t))
		if fault.Code(err) != fault.BadManifest || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", main, err)
		}
	}
}

func TestArguments(t *testing.T) {
	e := execution(t)
	m := tcx.Manifest{Language: "python", Main: "run.py", Params: params}
	var argv []string
	if err := json.Unmarshal(file(t, build(t, tree(t, "run.py"), m, e), ".tc_argv.json"), &argv); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(argv, " ")
	for _, want := range []string{
		"--flag --minus=-5 --secret app secret --tags a --tags b --tc_api_path", "--tc_log_level debug", "--tc_token " + secrets[0],
		"--tc_proxy_external --tc_proxy_host", "--tc_verify", "--tc_user_id 7",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	for _, not := range []string{"--off", "--tc_proxy_tc", "not this one", "--tc_secure_params"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is in %q", not, text)
		}
	}
	m.Features = []string{"secureparams"}
	if err := json.Unmarshal(file(t, build(t, tree(t, "run.py"), m, e), ".tc_argv.json"), &argv); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(argv, " "); strings.Contains(text, "--secret") || !strings.Contains(text, "--tc_secure_params --tc_temp_path") {
		t.Errorf("got %q", text)
	}
	e.Bound = true // by a signature, or opened here: it must not ask the cloud for others
	e.Defaults = map[string]string{"tc_secure_params": "true", "tc_aot_enabled": "true"}
	if err := json.Unmarshal(file(t, build(t, tree(t, "run.py"), m, e), ".tc_argv.json"), &argv); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(argv, " "); !strings.Contains(text, "--secret app secret") || strings.Contains(text, "--tc_secure_params") || strings.Contains(text, "--tc_aot") {
		t.Errorf("bound, got %q", text)
	}
	e.AppParams = map[string]string{"a b": "x"}
	m.Features = nil
	if _, err := Build(tree(t, "run.py"), m, e); fault.Code(err) != fault.BadParam {
		t.Errorf("got %v", err)
	}
}

func TestParameterFile(t *testing.T) {
	e := execution(t)
	e.Playbook, e.KVContext, e.OutVariables = true, "ctx", []string{"#App:1:a!String", "#App:1:b!Binary"}
	m := tcx.Manifest{Language: "python", Main: "run.py", Features: []string{"fileparams"}, MainAppClass: "a.B"}
	l := build(t, tree(t, "run.py"), m, e)
	p := opened(t, l)
	if got := value(l.Env, "TC_APP_PARAM_FILE"); got != filepath.Join(e.JobDir, "in", ".app_params.json") {
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat(job.Memory); err == nil {
		e.Isolation.Level = job.IsolationFull
		world := build(t, tree(t, "run.py"), m, e)
		if got := value(world.Env, "TC_APP_PARAM_FILE"); got != "/dev/shm/.app_params.json" || len(world.Files) != 0 {
			t.Errorf("of an App with memory of its own: got %q, and %d files on the disk", got, len(world.Files))
		}
		if diff := cmp.Diff(p, opened(t, world)); diff != "" {
			t.Errorf("in memory (-on the disk +in memory):\n%s", diff)
		}
	}
	for name, want := range map[string]string{
		"secret": secrets[1], "tags": "a|b", "tc_token": secrets[0], "tc_token_expires": "1700000000", "tc_log_level": "debug", "tc_user_id": "7", "tc_log_to_api": "false",
		"tc_out_path": filepath.Join(e.JobDir, "out"), "tc_proxy_port": "3128", "tc_proxy_tc": "false", "tc_proxy_external": "true", "tc_verify": "true",
		"tc_playbook_db_type": "TCKeyValueAPI", "tc_playbook_db_context": "ctx", "tc_playbook_db_path": e.APIPath + "/internal/playbooks/keyValue",
		"tc_kvstore_type": "TCKeyValueAPI", "tc_playbook_kvstore_context": "ctx", "tc_kvstore_port": "8443", "tc_main_app_class": "a.B",
		"tc_playbook_out_variables": "#App:1:a!String,#App:1:b!Binary",
	} {
		if p[name] != want {
			t.Errorf("%s: got %q, want %q", name, p[name], want)
		}
	}
	key := value(l.Env, "TC_APP_PARAM_KEY")
	if again := value(build(t, tree(t, "run.py"), m, e).Env, "TC_APP_PARAM_KEY"); len(key) != 16 || strings.Trim(key, letters) != "" || key == again {
		t.Errorf("keys %q and %q", key, again)
	}
	e.Playbook = false
	if p := opened(t, build(t, tree(t, "run.py"), m, e)); p["tc_kvstore_type"] != "" {
		t.Error("a job has key-value parameters")
	}
	e.AppParams["huge"] = strings.Repeat("x", maxParams)
	if _, err := Build(tree(t, "run.py"), m, e); fault.Code(err) != fault.BadParam {
		t.Errorf("got %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("AGENT_SECRET", "x")
	e := execution(t)
	m := tcx.Manifest{Language: "python", Main: "run.py", Features: []string{"fileparams"}}
	env := build(t, tree(t, "run.py"), m, e).Env
	tmp := filepath.Join(e.JobDir, "tmp")
	for name, want := range map[string]string{
		"AGENT_SECRET": "", "HOME": tmp, "TMPDIR": tmp, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "SSL_CERT_FILE": "/ca.pem",
		"https_proxy": "http://u:proxy%20secret@proxy:3128", "no_proxy": "localhost,127.0.0.1,::1,cloud.example",
	} {
		if got := value(env, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	e.Proxy.Scheme = "socks5"
	if got := value(build(t, tree(t, "run.py"), m, e).Env, "https_proxy"); got != "socks5://u:proxy%20secret@proxy:3128" {
		t.Errorf("got proxy %q", got)
	}
	e.Proxy.External, e.Proxy.TC = false, true
	if got := value(build(t, tree(t, "run.py"), m, e).Env, "https_proxy"); got != "" {
		t.Errorf("got proxy %q", got)
	}
}

func TestJava(t *testing.T) {
	e := execution(t)
	e.AppParams["text"] = "quote \" back \\ line\n#"
	dir := tree(t, "b.jar", "a.jar", "lib/c.jar", "x.txt")
	m := tcx.Manifest{Language: "java", Features: []string{"fileparams"}, JavaClasspath: []string{"lib/*:b.jar"}, Params: params}
	l := build(t, dir, m, e)
	sep := string(os.PathListSeparator)
	text := strings.Join(l.Argv, " ")
	for _, want := range []string{"-Djavax.net.ssl.trustStore=/t.p12", "-Dhttps.proxyHost=proxy", "-cp a.jar" + sep + "b.jar" + sep + "lib/* " + defaultMain} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	m.Features, m.Main = nil, "x.Main"
	l = build(t, dir, m, e)
	if got := l.Argv[len(l.Argv)-2:]; got[0] != "@"+filepath.Join(e.JobDir, "in", ".tc_java.args") || got[1] != "x.Main" {
		t.Errorf("got %q", got)
	}
	options := string(file(t, l, ".tc_java.args"))
	for _, want := range []string{`"-Dsecret=app secret"`, `"-Dtext=quote \" back \\ line\n#"`, `"-Dflag=true"`, `"-Doff=false"`, `"-Dtags=a|b"`} {
		if !strings.Contains(options, want+"\n") {
			t.Errorf("%q is missing in %q", want, options)
		}
	}
	if _, err := Build(tree(t), tcx.Manifest{Language: "java"}, e); fault.Code(err) != fault.BadManifest {
		t.Errorf("got %v", err)
	}
}

func TestInterpreters(t *testing.T) {
	home311, home, file := tree(t, pythonPlaces[1]), tree(t, pythonPlaces[0]), filepath.Join(tree(t, "snake.exe"), "snake.exe")
	notes := filepath.Join(home, "notes.txt")
	if err := os.WriteFile(notes, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	at311, at := filepath.Join(home311, pythonPlaces[1]), filepath.Join(home, pythonPlaces[0])
	for _, tt := range []struct {
		name, version, home, home311, want string
	}{ // want without a slash is why there is none
		{"the fitting setting", "3.11", home, home311, at311},
		{"for an old App", "3.6.x", home, home311, at},
		{"an old App without the old Python", "3.6", "", home311, at311},
		{"a new App without the new one", "3.11", home, "", at},
		{"no version", "", home, home311, at311},
		{"the binary itself", "3.11", "", file, file},
		{"nothing there", "3.11", home, tree(t), "is in that folder"},
		{"no such folder", "3.11", home, "/nonexistent", "there is no such file or folder"},
		{"no program", "3.11", home, notes, "not an executable file"},
		{"relative", "3.11", "", "bin", "not an absolute path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := execution(t)
			e.PythonHome, e.PythonHome311 = tt.home, tt.home311
			l, err := Build(tree(t, "run.py"), tcx.Manifest{Language: "python", Main: "run.py", LanguageVersion: tt.version, Features: []string{"fileparams"}}, e)
			if !strings.ContainsRune(tt.want, filepath.Separator) {
				if fault.Code(err) != fault.NoPython || !strings.Contains(err.Error(), "appsPythonHome311") || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, %v, want %q", l.Argv, err, tt.want)
				}
				return
			}
			if err != nil || l.Argv[0] != tt.want {
				t.Errorf("got %v, %v, want %q", l.Argv, err, tt.want)
			}
		})
	}
	e := execution(t)
	e.JavaHome = tree(t)
	if _, err := Build(tree(t, "a.jar"), tcx.Manifest{Language: "java"}, e); fault.Code(err) != fault.NoJava {
		t.Errorf("got %v", err)
	}
	if _, err := e.ClassDump(tree(t, "a.jar"), tcx.Manifest{Language: "java"}, nil, "a.jsa"); err == nil || !strings.Contains(err.Error(), "there is no JDK for it") {
		t.Errorf("got %v", err)
	}
	if _, err := Build(tree(t), tcx.Manifest{Language: "native"}, e); fault.Code(err) != fault.Unsupported {
		t.Errorf("got %v", err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	e := execution(t)
	for _, s := range secrets {
		if text := strings.Join([]string{e.String(), e.GoString(), e.LogValue().String(), e.Proxy.String(), e.Proxy.GoString()}, " "); strings.Contains(text, s) {
			t.Errorf("%q shows %q", text, s)
		}
	}
}

// BenchmarkBuild is on the way of every order.
func BenchmarkBuild(b *testing.B) {
	e, dir := execution(b), tree(b)
	m := tcx.Manifest{Language: "python", Main: "run.py", Features: []string{"fileparams"}, Params: params}
	for b.Loop() {
		if _, err := Build(dir, m, e); err != nil {
			b.Fatal(err)
		}
	}
}
