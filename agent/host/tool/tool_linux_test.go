package tool

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestFailureEndsWithTheLastLine(t *testing.T) {
	exit := exec.Command("false").Run()
	for out, want := range map[string]string{
		"":                            "running visudo: exit status 1",
		"visudo: bad rule\n":          "running visudo: bad rule",
		"first\n\nvisudo: second\n\n": "running visudo: second",
	} {
		if got := Failure("visudo", out, exit); got == nil || got.Error() != want {
			t.Errorf("%q: got %v, want %q", out, got, want)
		}
	}
	if err := Failure("visudo", "a warning", nil); err != nil {
		t.Errorf("without an error: %v", err)
	}
}

func TestLookup(t *testing.T) {
	root, err := LookupUser(t.Context(), "root")
	if err != nil || root.UID != 0 || root.GID != 0 {
		t.Errorf("root: got %+v, %v", root, err)
	}
	if _, err := LookupUser(t.Context(), "no-such-user-1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want %v", err, ErrNotFound)
	}
	if _, err := LookupGroup(t.Context(), "no-such-group-1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want %v", err, ErrNotFound)
	}
	names, err := GroupNames(t.Context(), "root")
	if err != nil || len(names) == 0 || names[0] != "root" {
		t.Errorf("root's groups: got %q, %v", names, err)
	}
}

func TestToolsAreNotLookedForInPATH(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if Find("sh") == "" {
		t.Error("sh was not found")
	}
	c, err := Command(t.Context(), "sh", "-c", "echo $PATH $LC_ALL")
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Output()
	if want := strings.Join(folders, ":") + " C\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
	if _, err := Command(t.Context(), "no-such-tool-1"); err == nil || err.Error() != "running no-such-tool-1: it is not installed" {
		t.Errorf("a tool that is not there: got %v", err)
	}
}
