package certs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/certs/keystore"
	"tcenvsvr/certs/roots"
)

// place is a store below a folder of the test's.
func place(t testing.TB) (certs.Config, string) {
	t.Helper()
	if _, err := roots.System(); err != nil {
		t.Skipf("this host has no roots: %v", err)
	}
	dir := t.TempDir()
	return certs.Config{
		Dir: filepath.Join(dir, "trust"),
		Sources: certs.Sources{
			Added: filepath.Join(dir, "certs"), Drops: []string{filepath.Join(dir, "certs.d")}, Cloud: filepath.Join(dir, "cloud.pem"),
		},
	}, filepath.Join(dir, "certs.d")
}

func current(t testing.TB, s *certs.Store) *certs.Set {
	t.Helper()
	set, err := s.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// has reports whether a set holds a certificate, in all its forms.
func has(t testing.TB, set *certs.Set, ca certstest.Pair) bool {
	t.Helper()
	n := 0
	for _, file := range set.Files() {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := keystore.Decode(data)
		if file == set.PEM() {
			list, _, err = cert.Parse(data)
		}
		if err != nil || len(list) != set.Count {
			t.Fatalf("%s: %d CAs, %v; want %d", file, len(list), err, set.Count)
		}
		for _, c := range list {
			if c.Equal(ca.Cert) {
				n++
			}
		}
	}
	if n != 0 && n != 3 {
		t.Fatalf("%d of 3 forms hold the CA", n)
	}
	return n == 3
}

func TestSetsFollowTheirSources(t *testing.T) {
	conf, drops := place(t)
	a, b, cloud := certstest.New(t), certstest.New(t), certstest.New(t) // all of one subject
	s := certs.New(conf)
	before := current(t, s)

	if fresh, err := certs.Add(conf.Sources.Added, a.Cert, "a.pem", time.Now()); !fresh || err != nil {
		t.Fatal(fresh, err)
	}
	if fresh, err := certs.Add(conf.Sources.Added, a.Cert, "a.pem", time.Now()); fresh || err != nil {
		t.Fatal(fresh, err)
	}
	certstest.File(t, drops, "b.pem", b.PEM(), a.PEM())
	if err := certs.SetCloud(conf.Sources.Cloud, nil); err != nil {
		t.Fatal(err)
	}
	certstest.File(t, filepath.Dir(conf.Sources.Cloud), "cloud.pem", cloud.PEM())
	with := current(t, s)
	if with.Count != before.Count+3 || !has(t, with, a) || !has(t, with, b) || !has(t, with, cloud) {
		t.Errorf("%d CAs with three private ones, %d without", with.Count, before.Count)
	}
	if again := current(t, s); again != with {
		t.Error("the same sources made another set")
	}
	if link, err := os.Readlink(filepath.Join(conf.Dir, "current")); err != nil || link != with.Digest {
		t.Errorf("current is %q, %v; want %q", link, err, with.Digest)
	}

	// Edited in place, to the same length.
	certstest.File(t, drops, "b.pem", a.PEM(), a.PEM())
	if set := current(t, s); has(t, set, b) || !has(t, set, a) {
		t.Error("a file edited in place was not read again")
	}
	root, err := conf.Sources.Remove(strings.ToUpper(cert.Fingerprint(a.Cert)[:20]), time.Now())
	if err != nil || !root.Cert.Equal(a.Cert) {
		t.Fatal(err)
	}
	if _, err := conf.Sources.Remove(cert.Fingerprint(a.Cert), time.Now()); !errors.Is(err, certs.ErrDropped) {
		t.Errorf("got %v, want %v", err, certs.ErrDropped)
	}
	for _, f := range []string{filepath.Join(drops, "b.pem"), conf.Sources.Cloud} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	after := current(t, s)
	if after.Digest != before.Digest || has(t, after, a) {
		t.Error("without private CAs the set is not what it was before them")
	}
	for _, file := range after.Files() {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: mode %v, %v; want 0644", file, info.Mode(), err)
		}
	}
}

func TestTheSameCAsAreTheSameBytes(t *testing.T) {
	one, dropsOne := place(t)
	two, dropsTwo := place(t)
	a, b := certstest.New(t), certstest.New(t)
	certstest.File(t, dropsOne, "x.pem", a.PEM(), b.PEM())
	certstest.File(t, dropsTwo, "1.pem", b.PEM())
	certstest.File(t, dropsTwo, "2.crt", a.Cert.Raw)
	s1, s2 := current(t, certs.New(one)), current(t, certs.New(two))
	for i, file := range s1.Files() {
		x, _ := os.ReadFile(file)
		y, _ := os.ReadFile(s2.Files()[i])
		if len(x) == 0 || !bytes.Equal(x, y) {
			t.Errorf("%s differs", filepath.Base(file))
		}
	}
}

func TestHostileFilesCostOnlyThemselves(t *testing.T) {
	conf, drops := place(t)
	good, expired := certstest.New(t), certstest.New(t, certstest.Expired)
	certstest.File(t, drops, "good.pem", good.PEM())
	s := certs.New(conf)
	before := current(t, s)
	certstest.File(t, drops, "text.pem", []byte("no certificate"))
	certstest.File(t, drops, "key.pem", certstest.New(t).PEM(), good.KeyPEM(t))
	certstest.File(t, drops, "expired.pem", expired.PEM())
	certstest.File(t, drops, "leaf.pem", good.Issue(t, certstest.Server("a.example")).PEM())
	certstest.File(t, drops, "big.pem", bytes.Repeat(good.PEM(), 10<<20/len(good.PEM())))
	open := certstest.File(t, drops, "open.pem", certstest.New(t).PEM())
	if err := os.Chmod(open, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(drops, "endless.pem")); err != nil {
		t.Fatal(err)
	}
	if set := current(t, s); set.Digest != before.Digest || !has(t, set, good) {
		t.Error("the set changed")
	}
	h, err := conf.Sources.Merge(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	for _, p := range h.Problems {
		problems = append(problems, p.Error())
	}
	text := strings.Join(problems, "\n")
	for _, want := range []string{"text.pem\": there is no certificate", "key.pem\": it holds a private key", "big.pem\": it is larger", "open.pem\": every user of this host may write it, so it is not trusted: take that right away (chmod o-w)", "endless.pem\" is not a regular file"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	left := map[string]string{}
	for _, r := range h.Left {
		left[filepath.Base(r.From[0])] = r.Refused
	}
	if !strings.Contains(left["expired.pem"], "expired on") || !strings.Contains(left["leaf.pem"], "not of a CA") {
		t.Errorf("left out: %v", left)
	}
}

func TestAJobKeepsItsSet(t *testing.T) {
	conf, drops := place(t)
	s := certs.New(conf)
	first, err := s.Lease(t.Context(), "o.1")
	if err != nil {
		t.Fatal(err)
	}
	certstest.File(t, drops, "a.pem", certstest.New(t).PEM())
	second := first
	for err == nil && second.Digest == first.Digest { // jobs that come together share one look at the sources
		second, err = s.Lease(t.Context(), "o.2")
	}
	if err != nil {
		t.Fatal(err)
	}
	certstest.File(t, drops, "a.pem", certstest.New(t).PEM())
	third := current(t, certs.New(conf)) // an agent started anew
	s = certs.New(conf)
	if err := s.Prune(func(session string) bool { return session == "o.1" }); err != nil {
		t.Fatal(err)
	}
	for set, want := range map[*certs.Set]bool{first: true, second: false, third: true} {
		if _, err := os.Stat(set.PEM()); (err == nil) != want {
			t.Errorf("%s: %v; want it there: %v", set.Digest, err, want)
		}
	}
	if err := s.Prune(func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first.PEM()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a set that nobody needs: %v", err)
	}
	for _, session := range []string{"../x", "a/b", `a\b`, "/x", "", ".."} {
		_, err := s.Lease(t.Context(), session)
		for _, err := range []error{err, s.Release(session)} {
			if err == nil || !strings.Contains(err.Error(), strconv.Quote(session)+" is no session") {
				t.Errorf("a session that leads elsewhere: got %v", err)
			}
		}
	}
}

func TestASetIsProvedAndRepaired(t *testing.T) {
	conf, _ := place(t)
	proofs, refuse := 0, error(nil)
	conf.Readable = func(_ context.Context, files []string) error { proofs += len(files) / 3; return refuse }
	s := certs.New(conf)
	set := current(t, s)
	current(t, s)
	if proofs != 1 {
		t.Errorf("proved %d times; want 1", proofs)
	}
	for name, harm := range map[string]func(file string) error{
		"removed":   os.Remove,
		"closed":    func(file string) error { return os.Chmod(file, 0o600) },
		"truncated": func(file string) error { return os.Truncate(file, 10) },
	} {
		file := set.Files()[1]
		want, _ := os.ReadFile(file)
		if err := harm(file); err != nil {
			t.Fatal(err)
		}
		current(t, s)
		got, err := os.ReadFile(file)
		info, _ := os.Stat(file)
		if err != nil || !bytes.Equal(got, want) || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: not repaired: %v", name, err)
		}
	}
	if proofs != 4 {
		t.Errorf("proved %d times; want once for each repair", proofs)
	}
	refuse = errors.New("no such luck")
	if err := os.Chmod(filepath.Dir(conf.Dir), 0o700); err != nil { // was 0755 or so
		t.Fatal(err)
	}
	if err := os.Chmod(conf.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Current(t.Context()); !errors.Is(err, refuse) {
		t.Errorf("a set that jobs cannot read: got %v", err)
	}
	refuse = nil
	current(t, s)
}

func TestThePoolFollows(t *testing.T) {
	conf, drops := place(t)
	ca := certstest.New(t)
	server := ca.Issue(t).Issue(t, certstest.Server("a.example"))
	s := certs.New(conf)
	verify := func() error { return verified(t, s, server) }
	if verify() == nil {
		t.Error("an unknown CA was trusted")
	}
	file := certstest.File(t, drops, "ca.pem", ca.PEM())
	if err := verify(); err != nil {
		t.Error(err)
	}
	_ = os.Remove(file)
	if verify() == nil {
		t.Error("a removed CA is still trusted")
	}
}

// The file system forgot what is in a file, as after a power cut, and says that nothing changed.
func TestAPoolOfZeros(t *testing.T) {
	conf, _ := place(t)
	s := certs.New(conf)
	file := current(t, s).PEM()
	info, err := os.Stat(file)
	if err == nil {
		err = os.WriteFile(file, make([]byte, info.Size()), 0o644)
	}
	if err == nil {
		err = os.Chtimes(file, time.Time{}, info.ModTime())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pool(); err == nil || !strings.Contains(err.Error(), "reading the trusted CAs: "+strconv.Quote(file)+" holds none") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Pool(); err != nil {
		t.Errorf("it was not made anew: %v", err)
	}
}

// Who can make certificates can make two that begin alike.
func TestTwoThatBeginAlike(t *testing.T) {
	conf, drops := place(t)
	ca := certstest.New(t).Cert.Raw
	prints := map[string][]byte{}
	for i := uint64(0); ; i++ {
		binary.BigEndian.PutUint64(ca[len(ca)-8:], i) // of the signature
		sum := sha256.Sum256(ca)
		print := hex.EncodeToString(sum[:4])
		other := prints[print]
		if other == nil {
			prints[print] = bytes.Clone(ca)
			continue
		}
		certstest.File(t, drops, "one.crt", other)
		certstest.File(t, drops, "two.crt", ca)
		if _, err := conf.Sources.Remove(print, time.Now()); !errors.Is(err, certs.ErrAmbiguous) {
			t.Errorf("got %v, want %v", err, certs.ErrAmbiguous)
		}
		return
	}
}

// One odd root of a runtime makes the others neither unusable nor silent.
func TestARuntimeWithAnOddRoot(t *testing.T) {
	conf, _ := place(t)
	dir := t.TempDir()
	ca := certstest.New(t)
	file := certstest.File(t, filepath.Join(dir, "lib", "python3.11", "site-packages", "certifi"), "cacert.pem",
		[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), ca.PEM())
	conf.Sources.Pythons = []string{certstest.File(t, filepath.Join(dir, "bin"), "python3")}
	set := current(t, certs.New(conf))
	if !has(t, set, ca) {
		t.Error("the other root is not there")
	}
	h, err := conf.Sources.Merge(time.Now())
	if err != nil || len(h.Problems) != 1 || h.Problems[0].Error() != "1 certificates of "+strconv.Quote(file)+" cannot be read and were passed over" {
		t.Errorf("got %v and %v", h.Problems, err)
	}
}

// A host that was made small: it has no public roots, and says where it looked.
func TestAHostWithoutRoots(t *testing.T) {
	conf, drops := place(t)
	if runtime.GOOS != "linux" {
		t.Skip("other systems have another store")
	}
	defer func(files []string) { roots.SystemFiles = files }(roots.SystemFiles)
	roots.SystemFiles = []string{filepath.Join(t.TempDir(), "ca-bundle.crt")}
	certstest.File(t, drops, "ca.pem", certstest.New(t).PEM())
	s := certs.New(conf)
	if set, err := s.Rebuild(); !errors.Is(err, certs.ErrNoPublic) || set.Dir != "" || set.Count != 1 {
		t.Errorf("got %+v and %v, want %v", set, err, certs.ErrNoPublic)
	}
	h, err := conf.Sources.Merge(time.Now())
	if err != nil || len(h.Problems) != 1 || !errors.Is(h.Problems[0], roots.ErrNone) || !strings.Contains(h.Problems[0].Error(), roots.SystemFiles[0]) {
		t.Errorf("got %v and %v", h.Problems, err)
	}
	certstest.File(t, filepath.Dir(roots.SystemFiles[0]), "ca-bundle.crt", []byte("nothing"))
	if _, err := conf.Sources.Merge(time.Now()); err == nil || !strings.Contains(err.Error(), "reading the host's trusted CAs from") {
		t.Errorf("a store that is there and cannot be read: %v", err)
	}
}

// Where nobody can be asked, no job will start either: the set counts.
func TestAProofThatCannotBeMade(t *testing.T) {
	conf, _ := place(t)
	conf.Readable = func(context.Context, []string) error { return errors.Join(certs.ErrUnproved, errors.New("no sudo")) }
	if set := current(t, certs.New(conf)); set.Dir == "" {
		t.Error("there is no set")
	}
}

func TestTheCloudsCAInTheWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.pem")
	if err := os.Mkdir(file, 0o755); err != nil {
		t.Fatal(err)
	}
	err := certs.SetCloud(file, nil)
	if err == nil || !strings.Contains(err.Error(), "hint: remove "+strconv.Quote(file)+": it is made anew from the keystore") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := certs.SetCloud(file, nil); err != nil {
		t.Error(err)
	}
}

func TestRunFollowsWithoutBeingAsked(t *testing.T) {
	conf, drops := place(t)
	if err := os.Mkdir(drops, 0o755); err != nil {
		t.Fatal(err)
	}
	changed := make(chan *certs.Set, 1)
	conf.Changed = func(s *certs.Set) { changed <- s }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- certs.New(conf).Run(ctx) }()
	<-changed
	ca := certstest.New(t)
	certstest.File(t, drops, "a.pem", ca.PEM())
	if !has(t, <-changed, ca) {
		t.Error("the new CA is not in the set")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestExport(t *testing.T) {
	conf, _ := place(t)
	h, err := conf.Sources.Merge(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new", "out")
	if err := certs.Export(dir, h.Certs()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{certs.PEMFile, certs.JKSFile, certs.P12File} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	conf, drops := place(b)
	for i := range 50 {
		certstest.File(b, drops, string(rune('a'+i/26))+string(rune('a'+i%26))+".pem", certstest.New(b).PEM())
	}
	s := certs.New(conf)
	current(b, s)
	for b.Loop() {
		current(b, s)
	}
}

// TestASlowProofHoldsUpNobody: who does not need the proof does not wait for it, who needs it makes
// it once, and who gives up takes nobody with him.
func TestASlowProofHoldsUpNobody(t *testing.T) {
	conf, _ := place(t)
	began, release := make(chan struct{}, 16), make(chan error)
	conf.Readable = func(ctx context.Context, _ []string) error {
		began <- struct{}{}
		select {
		case err := <-release:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s := certs.New(conf)
	first, cancel := context.WithCancel(t.Context())
	lost := make(chan error, 1)
	go func() { _, err := s.Current(first); lost <- err }()
	<-began
	if _, err := s.Pool(); err != nil { // hangs where the lock is held
		t.Fatal(err)
	}
	if err := s.Prune(func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	const jobs = 5
	leased := make(chan error, jobs)
	for i := range jobs {
		go func() { _, err := s.Lease(t.Context(), "o."+string(rune('0'+i))); leased <- err }()
	}
	impatient, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Current(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("who does not want to wait got %v", err)
	}
	cancel()
	if err := <-lost; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	<-began // another one makes the proof instead
	release <- nil
	for range jobs {
		if err := <-leased; err != nil {
			t.Error(err)
		}
	}
	if len(began) != 0 {
		t.Errorf("the set was proved %d times more", len(began))
	}
}

// TestAnUnreadableSourceTakesNothingBack: a folder that is there and cannot be read keeps what it
// held, one that is gone does not.
func TestAnUnreadableSourceTakesNothingBack(t *testing.T) {
	conf, drops := place(t)
	ca, other := certstest.New(t, certstest.Named("dropped")), certstest.New(t, certstest.Named("added"))
	certstest.File(t, drops, "ca.pem", ca.PEM())
	s := certs.New(conf)
	if !has(t, current(t, s), ca) {
		t.Fatal("the CA is not trusted")
	}
	aside := drops + ".aside"
	if err := os.Rename(drops, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(drops, drops); err != nil { // ELOOP, also for root
		t.Fatal(err)
	}
	certstest.File(t, conf.Sources.Added, "other.pem", other.PEM())
	set := current(t, s)
	if !has(t, set, ca) || !has(t, set, other) {
		t.Error("a folder that cannot be read lost its CA, or kept another one's out")
	}
	if err := os.Remove(drops); err != nil {
		t.Fatal(err)
	}
	if has(t, current(t, s), ca) {
		t.Error("a folder that is gone kept its CA")
	}
}

// TestPruneOfWhatCannotBeTold: without knowing the current set nothing is removed.
func TestPruneOfWhatCannotBeTold(t *testing.T) {
	conf, _ := place(t)
	set := current(t, certs.New(conf))
	link := filepath.Join(conf.Dir, "current")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(link, 0o755); err != nil { // EINVAL
		t.Fatal(err)
	}
	if err := certs.New(conf).Prune(func(string) bool { return false }); err == nil {
		t.Error("old sets were removed without knowing which is current")
	}
	if _, err := os.Stat(set.PEM()); err != nil {
		t.Error(err)
	}
}
