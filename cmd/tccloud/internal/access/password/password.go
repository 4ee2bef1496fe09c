package password

import (
	"context"
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Bounds of a password in bytes.
const (
	MinLength = 12
	MaxLength = 1024
)

// Cost is what a check of a new hash costs. The zero value is the recommendation of OWASP; tests take
// less.
type Cost struct {
	MemoryKiB, Passes uint32 // of argon2id
	Iterations        int    // of PBKDF2
}

var recommended = Cost{MemoryKiB: 19 << 10, Passes: 2, Iterations: 600_000}

const (
	saltBytes = 16
	hashBytes = 32
)

// Limits of a Hasher.
const (
	atOnce  = 2  // hashes that are computed at the same time: 38 MiB
	waiting = 32 // that wait for their turn
)

var (
	// ErrWeak means that a new password is not accepted; the error says why.
	ErrWeak = errors.New("the password is not accepted")
	// ErrBusy means that too many passwords are being checked.
	ErrBusy = errors.New("too many passwords are being checked now")
	// ErrStored means that a hash cannot be checked.
	ErrStored = errors.New("the stored password cannot be checked")
)

// Hasher computes hashes, a few at a time. It is safe for concurrent use.
type Hasher struct {
	cost     Cost
	fips     bool
	slots    chan struct{}
	queue    atomic.Int32
	computed atomic.Int64
}

// New returns a Hasher.
func New(c Cost) *Hasher {
	if c == (Cost{}) {
		c = recommended
	}
	return &Hasher{cost: c, fips: fips140.Enabled(), slots: make(chan struct{}, atOnce)}
}

// Check refuses a new password that is too short, too long or no text.
func Check(password string) error {
	switch n := len(password); {
	case n < MinLength:
		return fmt.Errorf("%w: it has less than %d bytes", ErrWeak, MinLength)
	case n > MaxLength:
		return fmt.Errorf("%w: it has more than %d bytes", ErrWeak, MaxLength)
	case !utf8.ValidString(password):
		return fmt.Errorf("%w: it is not UTF-8", ErrWeak)
	}
	var first rune
	same := true
	for i, c := range password {
		if unicode.IsControl(c) {
			return fmt.Errorf("%w: it has control characters", ErrWeak)
		}
		if i == 0 {
			first = c
		}
		same = same && c == first
	}
	if same {
		return fmt.Errorf("%w: it is one character, repeated", ErrWeak)
	}
	return nil
}

// Hash returns what to store for a password.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := Check(password); err != nil {
		return "", err
	}
	s := h.fresh()
	sum, err := h.compute(ctx, s, password)
	if err != nil {
		return "", err
	}
	s.sum = sum
	return s.String(), nil
}

// Verify reports whether stored is that of the password. Where nothing is stored ("") it takes as long
// and says no.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (bool, error) {
	var s *hash
	var err error
	if stored != "" {
		if s, err = parse(stored); err == nil && h.fips && s.kind == argon2id {
			err = fmt.Errorf("%w: argon2id is not approved in FIPS mode", ErrStored)
		}
	}
	known := s != nil && err == nil && len(password) <= MaxLength
	if !known { // the same work, for nothing
		s, password = h.fresh(), ""
		s.sum = make([]byte, hashBytes)
	}
	sum, computing := h.compute(ctx, s, password)
	if err = errors.Join(err, computing); err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, s.sum) == 1 && known, nil
}

// compute waits for its turn.
func (h *Hasher) compute(ctx context.Context, s *hash, password string) ([]byte, error) {
	if h.queue.Add(1) > waiting+atOnce {
		h.queue.Add(-1)
		return nil, ErrBusy
	}
	defer h.queue.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	h.computed.Add(1)
	text := norm.NFC.String(password) // keyboards differ in how they write ü
	if s.kind == argon2id {
		return argon2.IDKey([]byte(text), s.salt, s.passes, s.memory, s.lanes, uint32(s.size())), nil
	}
	return pbkdf2.Key(sha256.New, text, s.salt, s.iterations, s.size())
}

// Computed is how many hashes were computed.
func (h *Hasher) Computed() int64 { return h.computed.Load() }

// fresh is a hash that has a salt and no sum yet.
func (h *Hasher) fresh() *hash {
	s := &hash{kind: argon2id, memory: h.cost.MemoryKiB, passes: h.cost.Passes, lanes: 1, salt: make([]byte, saltBytes)}
	if h.fips {
		s = &hash{kind: pbkdf2sha256, iterations: h.cost.Iterations, salt: s.salt}
	}
	_, _ = rand.Read(s.salt) // never fails, see crypto/rand
	return s
}
