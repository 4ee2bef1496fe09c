package releases

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

var errCrash = errors.New("the gateway has ended")

// writes counts what a gateway writes to the store, and ends it: left more are done, and the one after
// them is, or is not, done without an answer. Nothing is written from then on.
type writes struct {
	left int
	done bool
}

// write does one write by f.
func (w *writes) write(f func() error) error {
	w.left--
	switch {
	case w.left >= 0:
		return f()
	case w.left == -1 && w.done:
		_ = f()
	}
	return errCrash
}

// objectsOf and valuesOf are the store of a gateway that ends.
type (
	objectsOf struct {
		jetstream.JetStream
		*writes
	}
	valuesOf struct {
		jetstream.KeyValue
		*writes
	}
)

func (o objectsOf) PublishMsg(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (ack *jetstream.PubAck, err error) {
	err = o.write(func() error { ack, err = o.JetStream.PublishMsg(ctx, m, opts...); return err })
	return ack, err
}

func (v valuesOf) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (revision uint64, err error) {
	err = v.write(func() error { revision, err = v.KeyValue.Create(ctx, key, value, opts...); return err })
	return revision, err
}

func (v valuesOf) Update(ctx context.Context, key string, value []byte, over uint64) (revision uint64, err error) {
	err = v.write(func() error { revision, err = v.KeyValue.Update(ctx, key, value, over); return err })
	return revision, err
}

// mortal is a gateway that ends as w says.
func (s *scene) mortal(w *writes) *Files {
	s.t.Helper()
	meta, err := s.st.JS().ObjectStore(s.t.Context(), FilesBucket)
	if err != nil {
		s.t.Fatal(err)
	}
	stream, err := s.st.JS().Stream(s.t.Context(), bucket.ObjectsPrefix+FilesBucket)
	if err != nil {
		s.t.Fatal(err)
	}
	blobs, err := blob.Open(s.t.TempDir(), bucket.NewObjects(bucket.ObjectsConfig{
		Name: FilesBucket, Meta: meta, JS: objectsOf{s.st.JS(), w}, Stream: stream, Alone: true,
		Removing: func(_ string, _ int, remove func() error) error { return w.write(remove) },
	}))
	if err != nil {
		s.t.Fatal(err)
	}
	return OpenFiles(valuesOf{s.KV, w}, blobs, filepath.Join(s.t.TempDir(), "keys"))
}

// serves checks that an agent gets all of one of the repositories, and returns its versions.
func (s *scene) serves(f *Files, a *agent) []string {
	s.t.Helper()
	versions := a.reads(f)
	slices.Sort(versions)
	k, err := f.Releases(s.t.Context())
	if err != nil || len(k.Releases) != len(versions) {
		s.t.Fatalf("metadata names %v, with programs %+v, %v", versions, k, err)
	}
	for _, r := range k.Releases {
		program, err := f.target(s.t.Context(), r.File())
		if err != nil {
			s.t.Fatal(err)
		}
		if data, err := io.ReadAll(program); string(data) != "program "+r.Version {
			s.t.Fatalf("program of %s: %q, %v", r.Version, data, err)
		}
		program.Close()
	}
	return versions
}

// A gateway ends at any write of publishing and of signing, before it or after: the others serve all of
// the old repository or all of the new one, and whatever was begun can be done again.
func TestACrashAtEachWrite(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	second, third := s.bundle("1.1.0"), s.bundle("1.2.0")
	there, a := s.gateway(), s.agent()
	want, steps := []string{"1.0.0"}, 0
	crash := func(bundle []byte, after []string) {
		t.Helper()
		for n := 0; ; n++ {
			for _, done := range []bool{false, true} {
				w := &writes{n, done}
				_, err := s.Import(t, s.mortal(w), bundle)
				if w.left >= 0 && err == nil {
					steps += n
					if got := s.serves(there, a); !slices.Equal(got, after) {
						t.Fatalf("published, and agents see %v", got)
					}
					want = after
					return
				}
				got := s.serves(there, a)
				if !slices.Equal(got, want) && !slices.Equal(got, after) {
					t.Fatalf("after a crash at write %d agents see %v", n, got)
				}
				if slices.Equal(got, after) && !slices.Equal(want, after) {
					want = after // the last write was done, and its answer lost
				}
				if w.left < 0 && !errors.Is(err, errCrash) && err != nil {
					t.Fatalf("write %d: got %v, want the cause", n, err)
				}
			}
		}
	}
	crash(second, []string{"1.0.0", "1.1.0"})
	crash(third, []string{"1.0.0", "1.1.0", "1.2.0"})
	if steps < 8 {
		t.Errorf("only %d writes were seen", steps)
	}
	for n := 0; ; n++ {
		w := &writes{n, true}
		f := s.mortal(w)
		s.give(f)
		err := f.Sign(t.Context(), 0)
		if got := s.serves(there, a); !slices.Equal(got, want) {
			t.Fatalf("after a crash at write %d of signing agents see %v", n, got)
		}
		if w.left >= 0 {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if err == nil {
			t.Fatalf("write %d of signing: no error", n)
		}
	}
}

// Who sweeps and stands still meanwhile removes nothing that another gateway publishes in that time, even
// if it had been there for long as what nobody named.
func TestASweepThatStoodStill(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	bundle := s.bundle("1.1.0")
	if _, err := s.Import(t, s.mortal(&writes{left: 3}), bundle); !errors.Is(err, errCrash) { // leaves the program of 1.1.0
		t.Fatalf("got %v", err)
	}
	then := time.Now()
	orphans, err := s.Files.blobs.List(t.Context())
	if err != nil || len(orphans) != 3 {
		t.Fatalf("%d objects, want program and repository, and the orphan; %v", len(orphans), err)
	}
	there := s.gateway()
	p, _, err := there.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.add(bundle); err != nil {
		t.Fatal(err)
	}
	for sum := range orphans { // as the other goes on with what it decided before
		if !p.has(sum) {
			if err := there.blobs.RemoveBefore(t.Context(), sum, then); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := s.serves(s.gateway(), s.agent()); !slices.Equal(got, []string{"1.0.0", "1.1.0"}) {
		t.Errorf("agents see %v", got)
	}
}

// An import that began before a sweep is not published on what the sweep removes.
func TestASweepOvertakesAnImport(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	p, revision, err := s.Files.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t, s.mortal(&writes{left: 3}), s.bundle("1.1.0")); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	if err := s.gateway().sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := s.Files.publish(t.Context(), p, time.Time{}, revision); !bucket.Overtaken(err) {
		t.Errorf("got %v, want that it was overtaken", err)
	}
}

// The bundle that brought a program brings it again when the store has lost or damaged it.
func TestADamagedProgramIsAddedAgain(t *testing.T) {
	s := newScene(t)
	bundle := s.bundle("1.0.0")
	if err := s.add(bundle); err != nil {
		t.Fatal(err)
	}
	k, err := s.Files.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.st.Objects(t.Context(), FilesBucket)
	if err != nil {
		t.Fatal(err)
	}
	name := k.Releases[0].File()
	for what, harm := range map[string]func(wire.SHA256) error{
		"another one": func(sum wire.SHA256) error {
			return objects.PutBytes(t.Context(), string(sum), []byte("another program"))
		},
		"lost": func(sum wire.SHA256) error { return objects.Delete(t.Context(), string(sum)) },
	} {
		if err := harm(digest(name)); err != nil {
			t.Fatal(err)
		}
		if f, err := s.gateway().target(t.Context(), name); err == nil {
			f.Close()
			t.Errorf("%s: it is served", what)
		}
		if err := s.add(bundle); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		s.serves(s.gateway(), s.agent())
	}
}
