package janitor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSparesInherit: the ACL by which the sandbox user gets into folders of jobs reaches through the folder
// that keeps it out of spares, and a new one is not waited for.
func TestSparesInherit(t *testing.T) {
	jobs := t.TempDir()
	letIn := func(user uint32) {
		t.Helper()
		acl := binary.LittleEndian.AppendUint32(nil, 2)
		for _, e := range []struct {
			tag, perm uint16
			id        uint32
		}{{1, 7, ^uint32(0)}, {2, 7, user}, {4, 5, ^uint32(0)}, {0x10, 7, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
			acl = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(acl, e.tag), e.perm), e.id)
		}
		if err := unix.Setxattr(jobs, defaultACL, acl, 0); err != nil {
			t.Skipf("setting an ACL: %v", err)
		}
	}
	letIn(64001)
	s, count, _ := running(t, jobs)
	for n, user := range []uint32{64001, 64002} {
		full(t, s, count, int64(spares+1))
		letIn(user)
		taken, made := filepath.Join(jobs, fmt.Sprint("taken.", n)), filepath.Join(jobs, fmt.Sprint("made.", n))
		if err := s.Take(taken); err != nil {
			t.Fatal(err)
		}
		if err := Make(made); err != nil {
			t.Fatal(err)
		}
		for _, d := range append([]string{"."}, Folders...) {
			for _, attr := range []string{defaultACL, "system.posix_acl_access"} {
				want, got := attribute(t, filepath.Join(made, d), attr), attribute(t, filepath.Join(taken, d), attr)
				if !bytes.Equal(got, want) || !bytes.Contains(got, binary.LittleEndian.AppendUint32(nil, user)) {
					t.Errorf("%s of %q is %x, want %x", attr, d, got, want)
				}
			}
		}
	}
	homes, _ := filepath.Glob(filepath.Join(jobs, spare+"*"))
	for _, home := range homes {
		if info, err := os.Lstat(home); err != nil || info.Mode().Perm() != 0o700 { // the mask of its ACL, too
			t.Errorf("others can enter %v: %v", info.Mode(), err)
		}
	}
}

func attribute(t *testing.T, file, name string) []byte {
	t.Helper()
	var data [1024]byte
	n, err := unix.Getxattr(file, name, data[:])
	if err != nil {
		t.Fatalf("%s of %q: %v", name, file, err)
	}
	return data[:n]
}
