package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/roots"
)

// Config is what a Store needs.
type Config struct {
	Dir     string // of the sets; made if missing
	Sources Sources
	// Readable proves that the user who runs jobs can read the files; nil = jobs run as the user of
	// this process. ErrUnproved means that nothing can be run as that user.
	Readable func(ctx context.Context, files []string) error
	// Changed is called when there is a new set, the first one included; nil = not called.
	Changed func(*Set)
	Logger  *slog.Logger // nil = discard
}

// ErrUnproved means that [Config.Readable] could not run anything as the user who runs jobs. No job
// will start either, and its error says better why.
var ErrUnproved = errors.New("who runs jobs cannot be asked")

// Store keeps a set in step with its sources. It is safe for concurrent use.
type Store struct {
	conf Config

	mu      sync.Mutex // never held while another program runs
	set     *Set
	stamp   string    // of the sources when set was made
	looked  time.Time // when set was compared with the sources
	seal    string    // of set, when it was written
	proved  string    // seal of the set that jobs can read, as was proved
	proving *proof    // in progress; nil = none
	from    time.Time // when set was made, and until when a CA expires or begins: wall time both,
	until   time.Time // because a clock that was wrong makes a wrong set
	private []Root    // of set
	leased  leased
}

// proof is one run of Config.Readable, which may take as long as sudo does.
type proof struct {
	seal string        // of the set that is proved
	done chan struct{} // closed when err is there
	err  error
	left bool // its caller gave up: it says nothing about the set
}

// New returns a Store that has read no source yet.
func New(c Config) *Store {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Sources.places = &roots.Places{}
	return &Store{conf: c}
}

// Current returns the set of the CAs that the sources hold now. If nothing has changed that costs
// some stat calls; else it makes a new set and proves that jobs can read it. Concurrent callers
// share one proof.
//
// While the host's own roots cannot be read, the previous set stays current. It is an error if a
// set cannot be written, or not be read by jobs: a caller that ignores the error would trust the
// runtime's default CAs.
func (s *Store) Current(ctx context.Context) (*Set, error) { return s.current(ctx, 0) }

// current is Current as it was at most so long ago.
func (s *Store) current(ctx context.Context, ago time.Duration) (*Set, error) {
	for {
		set, p, mine, err := s.begin(ago)
		if p == nil {
			return set, err
		}
		if mine {
			err = s.conf.Readable(ctx, set.Files())
			s.end(p, err, err != nil && ctx.Err() != nil)
			return proven(set, err)
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the proof that jobs can read their trust stores: %w", context.Cause(ctx))
		}
		if p.err != nil && !p.left {
			return proven(set, p.err) // still the same set, so the proof holds
		}
	}
}

// begin returns the set and, if that must still be proved, the proof. With mine the caller must
// make the proof, else it waits for it.
func (s *Store) begin(ago time.Duration) (set *Set, p *proof, mine bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set = s.set; set == nil || time.Since(s.looked) >= ago {
		set, err = s.fresh()
		s.looked = time.Now()
	}
	switch {
	case err != nil, set.Dir == "", s.conf.Readable == nil, s.proved == s.seal:
		return set, nil, false, err
	case s.proving != nil && s.proving.seal == s.seal:
		return set, s.proving, false, nil
	}
	s.proving = &proof{seal: s.seal, done: make(chan struct{})}
	return set, s.proving, true, nil
}

// end finishes a proof and wakes its waiters.
func (s *Store) end(p *proof, err error, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.left = left
	if p.err = err; err == nil && s.seal == p.seal {
		s.proved = p.seal
	}
	if s.proving == p {
		s.proving = nil
	}
	close(p.done)
}

// proven returns the set, or the error of its proof.
func proven(set *Set, err error) (*Set, error) {
	if err == nil || errors.Is(err, ErrUnproved) {
		return set, nil
	}
	return nil, fmt.Errorf("proving that jobs can read their trust stores: %w\n"+
		"hint: every folder above %q must let the sandbox user pass (chmod o+x); without that Java would silently trust the JDK's own CAs", err, set.Dir)
}

// fresh returns the set of the CAs that the sources hold now.
func (s *Store) fresh() (*Set, error) {
	stamp := s.conf.Sources.stamp()
	now := time.Now().Round(0)
	if s.set != nil && stamp == s.stamp && !now.Before(s.from) && now.Before(s.until) && (s.set.Dir == "" || s.set.seal() == s.seal) {
		return s.set, nil
	}
	harvest, err := s.conf.Sources.Merge(now)
	if err != nil && s.set != nil {
		s.conf.Logger.Error("trusted CAs stay as they were", "err", err)
		return s.set, nil
	}
	if err != nil {
		return nil, err
	}
	harvest.keep(s.private, time.Now())
	set, err := s.make(harvest)
	if err != nil {
		s.set = nil // read the sources again at the next call
		return nil, err
	}
	if s.stamp != stamp {
		s.report(harvest)
	}
	changed := s.set == nil || s.set.Digest != set.Digest
	if !changed {
		set = s.set // keeps its pool
	}
	s.set, s.stamp, s.from, s.until, s.private = set, stamp, now, harvest.Until, harvest.private()
	if s.until.IsZero() {
		s.until = now.Add(24 * time.Hour)
	}
	if changed {
		s.conf.Logger.Info("trusted CAs changed", "set", set.Digest, "cas", set.Count, "private", len(harvest.Roots)-harvest.Public)
		if s.conf.Changed != nil {
			s.conf.Changed(set)
		}
	}
	return set, nil
}

// ErrNoPublic means that there is no set, because this host has no public roots that could be in
// it.
var ErrNoPublic = errors.New("this host has no public CAs, so jobs trust what their runtimes bring along; private CAs count for the agent only")

// Rebuild makes the set now and repairs it. It is for commands: it does not prove that jobs can
// read the set.
func (s *Store) Rebuild() (*Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = nil
	set, err := s.fresh()
	if err == nil && set.Dir == "" {
		err = ErrNoPublic
	}
	return set, err
}

// make writes the set of merged CAs.
func (s *Store) make(h *Merged) (*Set, error) {
	if h.Public == 0 {
		// A set without public roots would replace the runtimes' own, and jobs would lose them.
		return newEmpty(h), nil
	}
	if err := os.MkdirAll(s.conf.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of trust stores: %w", err)
	}
	set, err := write(s.conf.Dir, h.Certs())
	if err != nil {
		return nil, err
	}
	s.seal = set.seal()
	return set, nil
}

// newEmpty returns the set of a host without public roots: this process trusts the private CAs, and
// jobs get nothing.
func newEmpty(h *Merged) *Set {
	return &Set{Count: len(h.Roots), pool: sync.OnceValues(func() (*x509.CertPool, error) {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		for _, r := range h.Roots {
			pool.AddCert(r.Cert)
		}
		return pool, nil
	})}
}

// report logs what was left out, once for each change.
func (s *Store) report(h *Merged) {
	for _, err := range h.Problems {
		s.conf.Logger.Warn("some certificates were not read", "err", err)
	}
	public := 0
	for _, r := range h.Left {
		if !r.Private { // nobody here put them there, and there are always some that have expired
			public++
			continue
		}
		s.conf.Logger.Warn("CA is not trusted", "subject", cert.Name(r.Cert.Subject), "fingerprint", cert.Fingerprint(r.Cert), "from", r.From, "reason", r.Refused)
	}
	if public > 0 {
		s.conf.Logger.Info("public CAs of this host are not trusted", "count", public, "why", "tcenvsvr certs list")
	}
	if h.Public == 0 {
		s.conf.Logger.Warn("jobs are not told which CAs to trust, because this host has no public ones")
	}
}

// Pool returns the CAs that this process trusts, which are the same as those of jobs. It works even
// if jobs cannot read the set, so that the agent can report that.
func (s *Store) Pool() (*x509.CertPool, error) {
	s.mu.Lock()
	set, err := s.fresh()
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	pool, err := set.pool()
	if err != nil {
		s.mu.Lock()
		if s.set == set {
			s.set = nil // the next call makes it anew
		}
		s.mu.Unlock()
	}
	return pool, err
}

// SetCloud stores the CAs of the Dedicated Cloud in the file of [Sources].Cloud, so that commands
// and the agent trust the same.
func SetCloud(file string, cas []*x509.Certificate) error {
	data := PEM(cas)
	if old, err := os.ReadFile(file); err == nil && string(old) == string(data) {
		return nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keeping the cloud's CA: %w\nhint: remove %q: it is made anew from the keystore", err, file)
	}
	if err := writeFile(file, data); err != nil {
		return fmt.Errorf("keeping the cloud's CA: %w", err)
	}
	return nil
}
