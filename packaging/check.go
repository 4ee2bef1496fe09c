package packaging

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	rpmutils "github.com/sassoftware/go-rpmutils"

	"tcenvsvr/packaging/pgp"
)

// CheckRPM checks an rpm as strictly as a host can: both signatures are by one of the keys, digests
// are strong, and the files are exactly those of the table, with their modes and owners. Its error
// joins everything that is wrong.
func CheckRPM(file string, keys pgp.Keys) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	header, signatures, err := rpmutils.Verify(f, keys)
	if err != nil {
		return fmt.Errorf("checking %q: %w", file, err)
	}
	if rest, err := io.Copy(io.Discard, f); err != nil || rest != 0 {
		return fmt.Errorf("checking %q: %d bytes after the payload (%v)", file, rest, err)
	}
	errs := append(checkSignatures(signatures), checkDigests(header)...)
	errs = append(errs, checkFiles(header)...)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checking %q: %w", file, err)
	}
	return nil
}

// checkSignatures checks that the header is signed, which rpm verifies when it installs, and the
// header with the payload, which older versions of yum verify.
func checkSignatures(signatures []*rpmutils.Signature) []error {
	var errs []error
	covered := map[bool]bool{}
	for _, s := range signatures {
		covered[s.HeaderOnly] = true
		if s.Hash != crypto.SHA256 && s.Hash != crypto.SHA512 {
			errs = append(errs, fmt.Errorf("signed with %v, want SHA-256 or SHA-512", s.Hash))
		}
		if s.Signer == nil {
			errs = append(errs, fmt.Errorf("signed by the unknown key %x", s.KeyId))
		}
	}
	if !covered[true] || !covered[false] {
		errs = append(errs, errors.New("unsigned: header and payload must both be signed"))
	}
	return errs
}

// Numbers of digest algorithms in rpm are those of OpenPGP.
const sha256Number = 8

func checkDigests(header *rpmutils.RpmHeader) []error {
	var errs []error
	for name, tag := range map[string]int{"SHA-256 of the header": rpmutils.SIG_SHA256, "SHA-256 of the payload": rpmutils.PAYLOADDIGEST} {
		if !header.HasTag(tag) {
			errs = append(errs, fmt.Errorf("no %s", name))
		}
	}
	for name, tag := range map[string]int{"MD5": rpmutils.SIG_MD5, "SHA-1": rpmutils.SIG_SHA1} {
		if header.HasTag(tag) {
			errs = append(errs, fmt.Errorf("it has an %s digest", name))
		}
	}
	for name, tag := range map[string]int{"files": rpmutils.FILEDIGESTALGO, "payload": rpmutils.PAYLOADDIGESTALGO} {
		numbers, err := header.GetInts(tag) // of the files: one number, or one each
		if err != nil || len(numbers) == 0 || slices.ContainsFunc(numbers, func(n int) bool { return n != sha256Number }) {
			errs = append(errs, fmt.Errorf("digest of the %s has algorithms %v (%v), want SHA-256", name, numbers, err))
		}
	}
	return errs
}

// checkFiles compares the files with the table. An entry of a pattern only has to be in its folder.
func checkFiles(header *rpmutils.RpmHeader) []error {
	found, err := header.GetFiles()
	if err != nil {
		return []error{err}
	}
	var errs []error
	seen := map[string]bool{}
	for _, f := range found {
		want, ok := entryFor(f.Name())
		if !ok {
			errs = append(errs, fmt.Errorf("%s does not belong to the package", f.Name()))
			continue
		}
		seen[want.Path] = true
		if got := f.Mode() & 0o7777; want.Kind != Link && got != int(want.Mode) {
			errs = append(errs, fmt.Errorf("%s has mode %04o, want %04o", f.Name(), got, want.Mode))
		}
		if want.Kind == Link && f.Linkname() != want.From {
			errs = append(errs, fmt.Errorf("%s points to %q, want %q", f.Name(), f.Linkname(), want.From))
		}
		if f.UserName() != want.Owner || f.GroupName() != want.Owner {
			errs = append(errs, fmt.Errorf("%s belongs to %s:%s, want %s", f.Name(), f.UserName(), f.GroupName(), want.Owner))
		}
	}
	for _, want := range contents {
		if !want.Optional && !seen[want.Path] {
			errs = append(errs, fmt.Errorf("%s is missing", want.Path))
		}
	}
	return errs
}

func entryFor(name string) (File, bool) {
	i := slices.IndexFunc(contents, func(f File) bool {
		if !strings.Contains(f.From, "*") {
			return f.Path == name
		}
		ok, err := path.Match(path.Join(f.Path, path.Base(f.From)), name)
		return err == nil && ok
	})
	if i < 0 {
		return File{}, false
	}
	return contents[i].withDefaults(), true
}
