package certs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sharedLook is for how long all jobs share one look at the sources, which takes a tenth of what the agent does
// for an order.
const sharedLook = 20 * time.Millisecond

// Lease returns the current set for a job, and keeps it until [Store.Prune] learns that the session
// is over. A lease is a file, because jobs outlive the agent.
func (s *Store) Lease(ctx context.Context, session string) (*Set, error) {
	if err := checkSession(session); err != nil {
		return nil, fmt.Errorf("leasing trust stores: %w", err)
	}
	for {
		set, err := s.current(ctx, sharedLook)
		if err != nil || set.Dir == "" {
			return set, err
		}
		if taken, err := s.lease(set, session); taken || err != nil {
			return set, err
		}
	}
}

// checkSession refuses what is no name of a file.
func checkSession(session string) error {
	if !filepath.IsLocal(session) || strings.ContainsAny(session, `/\`) {
		return fmt.Errorf("%q is no session", session)
	}
	return nil
}

// lease writes the lease, unless there is a newer set: Prune may have removed this one.
func (s *Store) lease(set *Set, session string) (taken bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set != set {
		return false, nil
	}
	// No fsync: no job survives the power cut that loses the file.
	dir := filepath.Join(s.conf.Dir, leases)
	// All leases of a set are names of one file: making a file, and removing it, takes much longer than that.
	file := filepath.Join(dir, session)
	if s.leased.digest == set.Digest && os.Link(s.leased.file, file) == nil {
		return true, nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) { // it could be a name of another set's
		return false, fmt.Errorf("leasing trust stores: %w", err)
	}
	err = os.WriteFile(file, []byte(set.Digest), 0o600)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = os.WriteFile(file, []byte(set.Digest), 0o600)
		}
	}
	if err != nil {
		return false, fmt.Errorf("leasing trust stores: %w", err)
	}
	s.leased = leased{set.Digest, filepath.Join(dir, "."+rand.Text())} // no session's name; the next Prune removes it
	_ = os.Link(file, s.leased.file)
	return true, nil
}

// leased is one more name of the leases of a set, which another one is made from.
type leased struct{ digest, file string }

// Release ends the lease of a session that is over; [Store.Prune] removes the set later.
func (s *Store) Release(session string) error {
	if err := checkSession(session); err != nil {
		return fmt.Errorf("releasing trust stores: %w", err)
	}
	if err := os.Remove(filepath.Join(s.conf.Dir, leases, session)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("releasing trust stores: %w", err)
	}
	return nil
}

// tempAge is the age from which a temporary folder counts as left by a crash: another process may
// still write a younger one.
const tempAge = 10 * time.Minute

// Prune removes the sets that neither are current nor belong to a session in use.
func (s *Store) Prune(inUse func(session string) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := pointed(s.conf.Dir)
	if err != nil { // without knowing what is needed, remove nothing
		return fmt.Errorf("removing old trust stores: %w", err)
	}
	keep := map[string]bool{now: true}
	if s.set != nil {
		keep[s.set.Digest] = true
	}
	dir := filepath.Join(s.conf.Dir, leases)
	sessions, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing old trust stores: %w", err)
	}
	var errs []error
	for _, e := range sessions {
		file := filepath.Join(dir, e.Name())
		if !inUse(e.Name()) {
			errs = append(errs, os.Remove(file))
			continue
		}
		digest, err := os.ReadFile(file)
		errs = append(errs, err)
		keep[string(digest)] = true
	}
	if err := errors.Join(errs...); err != nil { // without knowing what is needed, remove nothing
		return fmt.Errorf("removing old trust stores: %w", err)
	}
	entries, err := os.ReadDir(s.conf.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing old trust stores: %w", err)
	}
	for _, e := range entries {
		if path := filepath.Join(s.conf.Dir, e.Name()); isOld(e, keep) {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing old trust stores: %w", err)
	}
	return nil
}

func isOld(e os.DirEntry, keep map[string]bool) bool {
	if strings.HasPrefix(e.Name(), tempPrefix) {
		info, err := e.Info()
		return err == nil && time.Since(info.ModTime()) > tempAge
	}
	_, err := hex.DecodeString(e.Name())
	return err == nil && len(e.Name()) == 32 && e.IsDir() && !keep[e.Name()]
}
