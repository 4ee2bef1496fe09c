package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

var sha = strings.Repeat("ab", 32)

func classList(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "tc/test/C%d\n", i)
	}
	return b.String()
}

func TestDecodeList(t *testing.T) {
	list := "# a comment\njava/lang/Object id: 0\n@lambda-proxy a/B run ()V\n@lambda-form-invoker [X] a b c\n" +
		"own/Loaded source: /tmp/x.jar\n../../etc/passwd\n-Xbad\n/abs\na/B\x00\njava/lang/Object\n" + strings.Repeat("x", 600) + "\na b\n" + classList(100)
	got, err := decodeList([]byte(list))
	if want := "java/lang/Object\na\n" + classList(100); err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := decodeList([]byte(classList(99))); !errors.Is(err, errNoList) {
		t.Errorf("99 classes: %v", err)
	}
	got, err = decodeList([]byte(classList(maxClasses + 10)))
	if n := bytes.Count(got, []byte("\n")); err != nil || n != maxClasses {
		t.Errorf("of too many there are %d, %v", n, err)
	}
}

func FuzzDecodeList(f *testing.F) {
	f.Add([]byte(classList(100)))
	f.Add([]byte(classList(100) + "@lambda-proxy x\n../..\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := decodeList(data)
		if err != nil {
			return
		}
		again, err := decodeList(list)
		if err != nil || !bytes.Equal(again, list) {
			t.Errorf("%q became %q, %v", list, again, err)
		}
		for name := range strings.Lines(string(list)) {
			if !isClass(strings.TrimSuffix(name, "\n")) {
				t.Errorf("%q is no class", name)
			}
		}
	})
}

func TestDecodeRelease(t *testing.T) {
	for text, want := range map[string]string{
		"JAVA_VERSION=\"17.0.21.1\"\nJAVA_RUNTIME_VERSION=\"17.0.21.1+2-1-deb12u1-Debian\"\n":  "17.0.21.1+2-1-deb12u1-Debian",
		"JAVA_RUNTIME_VERSION=\"25.0.3+9-LTS\"\nJAVA_VERSION=\"25.0.3\"\n":                     "25.0.3+9-LTS",
		"JAVA_VERSION=\"11.0.2\"\nJAVA_RUNTIME_VERSION=\"11.0.2+9\"\n":                         "",
		"JAVA_VERSION=\"1.8.0_402\"\n":                                                         "",
		"JAVA_VERSION=\"17.0.2\"\n":                                                            "",
		"JAVA_VERSION=\"17.0.2\"\nJAVA_RUNTIME_VERSION=\"17.0.2+8\"\nJVM_VARIANT=\"Openj9\"\n": "",
		"": "",
	} {
		if got, err := decodeRelease([]byte(text)); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func FuzzDecodeRelease(f *testing.F) {
	f.Add([]byte("JAVA_VERSION=\"17.0.2\"\nJAVA_RUNTIME_VERSION=\"17.0.2+8\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if runtime, err := decodeRelease(data); err == nil && (len(runtime) < 2 || len(runtime) > 100) {
			t.Errorf("got %q", runtime)
		}
	})
}

func TestHeader(t *testing.T) {
	head := append(binary.NativeEndian.AppendUint32(nil, magic), " OpenJDK (17.0.2+8) for linux"...)
	j := jdk{runtime: "17.0.2+8"}
	if !j.made(head) || j.made(head[1:]) || j.made(nil) || (jdk{}).made(head) || (jdk{runtime: "17.0.2"}).made(head) {
		t.Error("headers are not told apart")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	r := record{App: "App_v1/" + sha, Key: sha, SHA256: sha, Look: sha, Size: minArchive}
	data, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	if got, err := decodeRecord(data); err != nil || got.Key != sha {
		f.Fatalf("got %+v, %v", got, err)
	}
	f.Add(data)
	f.Add(bytes.Replace(data, []byte("App_v1"), []byte("../x"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		if again, err := r.encode(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%q became %q, %v", data, again, err)
		}
	})
}
