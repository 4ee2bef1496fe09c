package test

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// trustApp is an App of Python that fetches a URL in every way that Apps do, and says of each what
// came of it.
const trustApp = `import json, os, subprocess, sys, urllib.request
import tc

app = tc.App(tc.params())
url = app.p["url"]

def attempt(f):
    try:
        return str(f())
    except Exception as e:
        return "FAILED " + e.__class__.__name__ + ": " + str(e)[:300]

def run(*argv):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if p.returncode != 0:
        raise RuntimeError(p.stdout[-300:])
    return "ok"

def by_requests():
    import requests
    return requests.get(url, timeout=20).text

found = {
    "requests": attempt(by_requests),
    "urllib": attempt(lambda: urllib.request.urlopen(url, timeout=20).read().decode()),
    "curl": attempt(lambda: run("curl", "-sS", "--noproxy", "*", url)),
    "pip": attempt(lambda: run(sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check",
                               "--retries", "0", "--index-url", url + "simple/", "-d", os.environ["TMPDIR"], "tcprobe==1.0")),
    "bundle": os.environ.get("REQUESTS_CA_BUNDLE", ""),
    "java options": os.environ.get("JAVA_TOOL_OPTIONS", ""),
}
print("FOUND " + json.dumps(found))
app.exit(0, "looked around")
`

// trustMain is the same for Java: its own HttpClient, the CAs it has, and a JVM that it starts
// without telling it anything.
const trustMain = `package tc.test;

import java.net.URI;
import java.net.http.*;
import java.security.KeyStore;
import javax.net.ssl.*;

public class Main {
    public static void main(String[] args) throws Exception {
        String url = System.getProperty("url");
        if (args.length > 0) url = args[0];
        String said;
        try {
            said = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString()).body();
        } catch (Exception e) {
            said = "FAILED " + e;
        }
        TrustManagerFactory f = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        f.init((KeyStore) null);
        int count = ((X509TrustManager) f.getTrustManagers()[0]).getAcceptedIssuers().length;
        System.out.println((args.length > 0 ? "CHILD " : "PARENT ") + count + " " + said);
        if (args.length == 0) {
            Process p = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-cp", System.getProperty("java.class.path"), "tc.test.Main", url).inheritIO().start();
            p.waitFor();
        }
    }
}
`

// pythonHere is a Python that has requests and pip, as Debian's.
func pythonHere(t *testing.T) string {
	t.Helper()
	python := need.Tool(t, "/usr/bin/python3.11", "/usr/bin/python3")
	need.Modules(t, python, "requests", "pip")
	return python
}

// privateServer answers everything by HTTPS with "hello", and to pip with a package; its
// certificate is from an intermediate of a private root.
func privateServer(t *testing.T, root certstest.Pair) string {
	t.Helper()
	server := root.Issue(t).Issue(t, certstest.Server("localhost"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/simple/tcprobe/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<!DOCTYPE html><a href=\"/tcprobe-1.0-py3-none-any.whl\">tcprobe-1.0-py3-none-any.whl</a>")
	})
	wheel := wheel(t)
	mux.HandleFunc("/tcprobe-1.0-py3-none-any.whl", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(wheel) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "hello") })
	s := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{server.TLS()}}}
	go func() { _ = s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = s.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "https://localhost:" + port + "/"
}

// TestJobsTrustPrivateCAs runs real Apps against a real server: they fail without its CA, succeed
// with it, and fail again at the next run after it was removed.
func TestJobsTrustPrivateCAs(t *testing.T) {
	python := pythonHere(t)
	need.Tool(t, "curl")
	java, _ := need.Java(t)
	s := newScene(t)
	root := certstest.New(t, certstest.Named("Private Root"))
	url := privateServer(t, root)
	home := filepath.Join(s.Dir, "home")
	envsvr := func(args ...string) string {
		t.Helper()
		out, err := stage.Command(s.ctx, []string{"TCENVSVR_HOME=" + home}, s.AgentBin, args...)
		s.must(err, "running tcenvsvr "+strings.Join(args, " "))
		return out
	}
	pythonApp, javaApp := s.trustApps()
	ways := func() map[string]string {
		out := envsvr("app", "run", pythonApp, "--param", "url="+url, "--appsPythonHome311", python, "--appsJavaHome", java, "--no-sandbox")
		_, text, _ := strings.Cut(out, "FOUND ")
		found := map[string]string{}
		s.must(json.NewDecoder(strings.NewReader(text)).Decode(&found), "reading "+out)
		out = envsvr("app", "run", javaApp, "--param", "url="+url, "--appsJavaHome", java, "--no-sandbox")
		for _, m := range regexp.MustCompile(`(?m)^(PARENT|CHILD) (\d+) (.*)$`).FindAllStringSubmatch(out, -1) {
			found["java "+m[1]], found["count "+m[1]] = m[3], m[2]
		}
		return found
	}
	all := []string{"requests", "urllib", "curl", "pip", "java PARENT", "java CHILD"}
	mustFail := func(when string, found map[string]string) {
		t.Helper()
		for _, way := range all {
			if !strings.Contains(found[way], "FAILED") {
				t.Errorf("%s, %s: got %q; want a failure", when, way, found[way])
			}
		}
	}

	before := ways()
	mustFail("without the CA", before)
	public, _ := strconv.Atoi(before["count PARENT"])
	if public < 100 {
		t.Errorf("a JVM trusts %d CAs; the public ones are missing", public)
	}

	ca := certstest.File(t, s.Dir, "root.pem", root.PEM())
	envsvr("certs", "add", ca)
	with := ways()
	for _, way := range all {
		if strings.Contains(with[way], "FAILED") || with[way] == "" {
			t.Errorf("with the CA, %s: %q", way, with[way])
		}
	}
	for _, jvm := range []string{"PARENT", "CHILD"} {
		if got := with["count "+jvm]; got != strconv.Itoa(public+1) {
			t.Errorf("%s: a JVM trusts %s CAs; want %d public ones and ours", jvm, got, public)
		}
	}
	if out := envsvr("certs", "check", strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/")); !strings.Contains(out, "trusted: CN=Private Root vouches for it (private, from ") {
		t.Errorf("check says %s", out)
	}

	envsvr("certs", "remove", cert.Fingerprint(root.Cert))
	mustFail("after its removal", ways())
}

func (s *scene) trustApps() (python, java string) {
	s.t.Helper()
	files, err := apps.Files("sleep")
	s.must(err, "reading an App's files")
	files["run.py"] = []byte(trustApp)
	python = s.packed("trust-python", files)
	files, err = apps.Files("java-cli")
	s.must(err, "reading an App's files")
	compiled, err := apps.Compile(map[string][]byte{"src/tc/test/Main.java": []byte(trustMain)})
	s.must(err, "compiling an App")
	maps.Copy(files, compiled)
	return python, s.packed("trust-java", files)
}

// packed writes a package whose App takes one parameter, the URL.
func (s *scene) packed(name string, files map[string][]byte) string {
	s.t.Helper()
	var manifest map[string]any
	s.must(json.Unmarshal(files["install.json"], &manifest), "reading install.json")
	manifest["programName"] = "Test - " + name
	manifest["params"] = []map[string]string{{"name": "url", "type": "String"}}
	var err error
	files["install.json"], err = json.Marshal(manifest)
	s.must(err, "writing install.json")
	file := filepath.Join(s.Dir, name+".tcx")
	s.must(apps.Pack(file, files), "packing an App")
	return file
}

// wheel is the smallest package that pip takes.
func wheel(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"tcprobe/__init__.py":            "",
		"tcprobe-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tcprobe\nVersion: 1.0\n",
		"tcprobe-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"tcprobe-1.0.dist-info/RECORD":   "",
	} {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
