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

// Sources are the places that CAs come from. All may be empty.
type Sources struct {
	Added string   // folder of those added by command, one file each
	Drops []string // folders that administrators put files into
	Cloud string   // file with the Dedicated Cloud's own CA
	Java  string   // the java program of Apps
	// Pythons are the Python programs of Apps.
	Pythons []string
}

// Root is one CA and where it came from.
type Root struct {
	cert.Verdict
	From    []string // files and stores, the private ones first
	Private bool
}

// Harvest is what Gather found.
type Harvest struct {
	Roots []Root // sorted by fingerprint: the same CAs are the same set
	// Left are certificates that are not trusted, with the reason in Refused.
	Left []Root
	// Problems are files that cannot be read, as a whole or in part.
	Problems []error
	// Unread are private sources that are there, as far as one can tell, and could not be
	// looked into: what they hold is not known, which is not the same as nothing.
	Unread []string
	// Until is when the first of Roots expires: then it must go.
	Until time.Time
	// Public counts the roots that are not private.
	Public int
}

// Gather reads all sources. An error means that the host's own roots are
// there and cannot be read; anything else is a Problem and costs only itself.
func (s Sources) Gather(now time.Time) (*Harvest, error) {
	g := gathering{now: now, seen: map[string]*Root{}}
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
		if file, ok := roots.PythonFile(python); ok {
			found, err := roots.Python(file)
			g.problem(err)
			g.public(found)
		}
	}
	return g.harvest(), nil
}

type gathering struct {
	Harvest
	now      time.Time
	distrust roots.Distrust
	seen     map[string]*Root
}

// unread notes a source that the system did not let us read. One that was
// read and refused, or is no longer there, is not among them.
func (g *gathering) unread(source string, err error) {
	if path, ok := errors.AsType[*fs.PathError](err); ok && !errors.Is(path, fs.ErrNotExist) {
		g.Unread = append(g.Unread, source)
	}
}

// private are the roots that administrators and the cloud brought.
func (h *Harvest) private() []Root {
	var list []Root
	for _, r := range h.Roots {
		if r.Private {
			list = append(list, r)
		}
	}
	return list
}

// keep adds those of before that came from a source which cannot be read now: a
// disk that fails takes no CA back.
func (h *Harvest) keep(before []Root, now time.Time) {
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

func (g *gathering) problem(err error) {
	if err != nil {
		g.Problems = append(g.Problems, err)
	}
}

// folder takes all files of a folder that is there. One that others may
// write is not taken: whoever adds a CA can read everybody's traffic.
func (g *gathering) folder(dir string) {
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

// hidden are editors' and our own temporary files.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.EqualFold(name, "README")
}

// file takes the CAs of one file of private ones.
func (g *gathering) file(file string) {
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
		g.add(cert.Judge(c, g.now), file, true)
	}
}

func (g *gathering) public(f roots.Found) {
	if f.Skipped > 0 {
		g.problem(fmt.Errorf("%d certificates of %q cannot be read and were passed over", f.Skipped, f.Place))
	}
	for _, c := range f.Certs {
		v := cert.Verdict{Cert: c, Kind: cert.Root} // the host has judged it
		if g.now.After(c.NotAfter) {
			v.Refused = "it expired on " + c.NotAfter.UTC().Format(time.DateOnly)
		}
		g.add(v, f.Place, false)
	}
}

func (g *gathering) add(v cert.Verdict, from string, private bool) {
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

func (g *gathering) harvest() *Harvest {
	h := &g.Harvest
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

// Certs are the certificates of the roots.
func (h *Harvest) Certs() []*x509.Certificate {
	list := make([]*x509.Certificate, len(h.Roots))
	for i, r := range h.Roots {
		list[i] = r.Cert
	}
	return list
}
