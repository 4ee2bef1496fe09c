package apps

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := Build(name, t.TempDir())
			if errors.Is(err, ErrNoJDK) || errors.Is(err, ErrNoLibraries) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			z, err := zip.OpenReader(file)
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			tops, manifests := map[string]bool{}, 0
			for _, f := range z.File {
				top, rest, _ := strings.Cut(f.Name, "/")
				tops[top] = true
				if rest == "install.json" {
					manifests++
				}
			}
			if len(tops) != 1 || manifests != 1 {
				t.Errorf("got top folders %v and %d install.json", tops, manifests)
			}
		})
	}
}

func TestBuildIsReproducible(t *testing.T) {
	var made [2][]byte
	for i := range made {
		file, err := BuildVersion("job", "2.3.4", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if made[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(made[0], made[1]) || !bytes.Contains(made[0], []byte("Test_-_Job_v2/")) {
		t.Error("two builds differ, or the version is not in the top folder's name")
	}
}
