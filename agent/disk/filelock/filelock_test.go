package filelock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const childVar = "FILELOCK_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVar); path != "" {
		release, err := Try(path)
		if err != nil {
			panic(err)
		}
		fmt.Println("locked")
		_, _ = os.Stdin.Read(make([]byte, 1)) // until killed
		release()
		return
	}
	os.Exit(m.Run())
}

// Another process has it until it is killed; then whoever waits gets it.
func TestAKilledProcessGivesItsLockBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVar+"="+path)
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("child says %q: %v", line, err)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Errorf("Try of a lock that is held: got %v, want %v", err, ErrHeld)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Wait(short, path); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "in use by another process: gave up waiting after ") {
		t.Errorf("Wait of a lock that is held: got %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	release, err := Wait(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Errorf("within one process: got %v, want %v", err, ErrHeld)
	}
	release()
	if release, err = Try(path); err != nil {
		t.Errorf("after release: %v", err)
	} else {
		release()
	}
}
