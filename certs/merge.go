package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/roots"
)

// Sources are the places that CAs are read from. Each may be empty.
type Sources struct {
	Added string   // folder of those added by command, one file each
	Drops []string // folders that administrators put files into
	Cloud string   // file with the Dedicated Cloud's own CA
	Java  string   // the java program of Apps
	// Pythons are the Python programs of Apps.
	Pythons []string

	places *roots.Places // of Pythons; nil: nothing is remembered
}

// Root is one CA and where it came from.
type Root struct {
	cert.Verdict
	From    []string // files and stores, the private ones first
	Private bool
}

// Merged is what [Sources.Merge] found.
type Merged struct {
	Roots []Root // sorted by fingerprint: the same CAs are the same set
	// Left are certificates that are left out, with the reason in Refused.
	Left []Root
	// Problems are files that cannot be read, as a whole or in part.
	Problems []error
	// Unread are private sources that seem to exist but could not be read. What they hold is
	// unknown, which is not the same as nothing.
	Unread []string
	// Until is when the first of Roots expires and must be left out.
	Until time.Time
	// Public counts the roots that are not private.
	Public int
}

// Merge reads all sources and merges their CAs: each once, without expired and distrusted ones. An
// error means that the host's own roots exist but cannot be read. Any other source that cannot be
// read becomes one of Problems, and the others are merged without it.
func (s Sources) Merge(now time.Time) (*Merged, error) {
	g := merge{now: now, seen: map[string]*Root{}}
	javaFile, _ := roots.JavaFile(s.Java)
	var err error
	g.distrust, err = roots.Distrusted(javaFile)
	g.problem(err)
	for _, dir := range append([]string{s.Added}, s.Drops...) {
		g.folder(dir)
	}
	if s.Cloud != "" {
		g.file(s.Cloud)
	}
	system, err := roots.System()
	if err != nil && !errors.Is(err, roots.ErrNone) {
		return nil, err
	} else if err != nil {
		g.problem(err)
	}
	g.public(system)
	if javaFile != "" {
		found, err := roots.Java(javaFile)
		g.problem(err)
		g.public(found)
	}
	for _, python := range s.Pythons {
		if file, ok := s.places.PythonFile(python); ok {
			found, err := roots.Python(file)
			g.problem(err)
			g.public(found)
		}
	}
	return g.result(), nil
}

type merge struct {
	Merged
	now      time.Time
	distrust roots.Distrust
	seen     map[string]*Root
}

// unread records a source that the operating system could not read. A source that was read and
// refused, or that no longer exists, is none.
func (g *merge) unread(source string, err error) {
	if path, ok := errors.AsType[*fs.PathError](err); ok && !errors.Is(path, fs.ErrNotExist) {
		g.Unread = append(g.Unread, source)
	}
}

// private returns the roots that came from administrators and the cloud.
func (h *Merged) private() []Root {
	var list []Root
	for _, r := range h.Roots {
		if r.Private {
			list = append(list, r)
		}
	}
	return list
}

// keep adds the roots of before whose source cannot be read now: a failing disk must not remove a
// CA.
func (h *Merged) keep(before []Root, now time.Time) {
	known := map[string]bool{}
	for _, r := range append(slices.Clone(h.Roots), h.Left...) {
		known[cert.Fingerprint(r.Cert)] = true
	}
	for _, r := range before {
		lost := slices.ContainsFunc(r.From, func(from string) bool {
			return slices.Contains(h.Unread, from) || slices.Contains(h.Unread, filepath.Dir(from))
		})
		if !lost || known[cert.Fingerprint(r.Cert)] || now.After(r.Cert.NotAfter) {
			continue
		}
		h.Roots = append(h.Roots, r)
		if h.Until.IsZero() || r.Cert.NotAfter.Before(h.Until) {
			h.Until = r.Cert.NotAfter
		}
	}
	slices.SortFunc(h.Roots, func(a, b Root) int { return strings.Compare(cert.Fingerprint(a.Cert), cert.Fingerprint(b.Cert)) })
}

func (g *merge) problem(err error) {
	if err != nil {
		g.Problems = append(g.Problems, err)
	}
}

// folder reads all files of a folder, if it exists. It refuses a folder that every user may write:
// a user who adds a CA can read everybody's traffic.
func (g *merge) folder(dir string) {
	if dir == "" {
		return
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil {
		err = notOpen(dir)
	}
	if err != nil {
		g.unread(dir, err)
		g.problem(fmt.Errorf("reading the folder of private CAs %q: %w", dir, err))
		return
	}
	for _, e := range entries {
		if !hidden(e.Name()) && !e.IsDir() {
			g.file(filepath.Join(dir, e.Name()))
		}
	}
}

// hidden reports whether a file is a temporary file of an editor or of ours.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.EqualFold(name, "README")
}

// file reads the private CAs of one file.
func (g *merge) file(file string) {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil && info.Mode().IsRegular() {
		err = notOpen(file)
	}
	if err != nil {
		g.unread(file, err)
		g.problem(fmt.Errorf("reading certificates from %q: %w", file, err))
		return
	}
	certs, skipped, err := cert.ReadFile(file)
	g.unread(file, err)
	g.problem(err)
	for _, s := range skipped {
		g.problem(fmt.Errorf("reading certificates from %q: %w", file, s))
	}
	for _, c := range certs {
		g.add(cert.Assess(c, g.now), file, true)
	}
}

func (g *merge) public(f roots.Found) {
	if f.Skipped > 0 {
		g.problem(fmt.Errorf("%d certificates of %q cannot be read and were passed over", f.Skipped, f.Place))
	}
	for _, c := range f.Certs {
		v := cert.Verdict{Cert: c, Kind: cert.Root} // the host trusts it, so Assess is not asked
		if g.now.After(c.NotAfter) {
			v.Refused = "it expired on " + c.NotAfter.UTC().Format(time.DateOnly)
		}
		g.add(v, f.Place, false)
	}
}

func (g *merge) add(v cert.Verdict, from string, private bool) {
	print := cert.Fingerprint(v.Cert)
	if r := g.seen[print]; r != nil {
		if !slices.Contains(r.From, from) {
			r.From = append(r.From, from)
		}
		return
	}
	if place, ok := g.distrust[print]; ok && v.Refused == "" {
		v.Refused = fmt.Sprintf("this host distrusts it: see %q", place)
	}
	g.seen[print] = &Root{Verdict: v, From: []string{from}, Private: private}
}

func (g *merge) result() *Merged {
	h := &g.Merged
	prints := make([]string, 0, len(g.seen))
	for print := range g.seen {
		prints = append(prints, print)
	}
	slices.Sort(prints)
	for _, print := range prints {
		r := *g.seen[print]
		if r.Refused != "" {
			h.Left = append(h.Left, r)
			continue
		}
		h.Roots = append(h.Roots, r)
		if !r.Private {
			h.Public++
		}
		if h.Until.IsZero() || r.Cert.NotAfter.Before(h.Until) {
			h.Until = r.Cert.NotAfter
		}
	}
	return h
}

// Certs returns the certificates of the roots.
func (h *Merged) Certs() []*x509.Certificate {
	list := make([]*x509.Certificate, len(h.Roots))
	for i, r := range h.Roots {
		list[i] = r.Cert
	}
	return list
}
