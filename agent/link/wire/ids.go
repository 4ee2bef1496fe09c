package wire

import (
	"fmt"
	"regexp"
)

// Identities are types of their own so that the compiler refuses to mix them. OrderID and ServerXID
// become file and subject names; their alphabet leaves nothing that a path or a broker subject
// could misread.
type (
	// OrderID names one order: 1–64 of A–Z a–z 0–9 _ -.
	OrderID string
	// JobID names a Job of the cloud, which runs an App by a schedule: 12–32 of 0–9 a–f.
	JobID string
	// ServerXID names one Environment Server for ever (setting serverXid).
	ServerXID string
	// Attempt counts the deliveries of an order to different servers, from
	// 1. It is the order's fence: what is said about an older attempt is refused.
	Attempt int
	// SHA256 is a digest in 64 lower-case hex digits.
	SHA256 string
)

var (
	idPattern    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	jobIDPattern = regexp.MustCompile(`^[0-9a-f]{12,32}$`)
	shaPattern   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Valid reports whether the identity has the form above.
func (id OrderID) Valid() bool { return idPattern.MatchString(string(id)) }

// jobPattern is the form of the order ids that runs of Jobs have.
var jobPattern = regexp.MustCompile(`^job-([0-9a-f]{12,32})-[a-z0-9-]+$`)

// Job returns the identity of the Job of which the order is a run: its id is "job-", that identity,
// "-" and what tells the run and its try. It returns "" of other orders.
func (id OrderID) Job() JobID {
	if m := jobPattern.FindStringSubmatch(string(id)); m != nil && id.Valid() {
		return JobID(m[1])
	}
	return ""
}

// Valid reports whether the identity has the form above.
func (id JobID) Valid() bool { return jobIDPattern.MatchString(string(id)) }

// Valid reports whether the identity has the form above.
func (x ServerXID) Valid() bool { return idPattern.MatchString(string(x)) }

// Valid reports whether s is a digest.
func (s SHA256) Valid() bool { return shaPattern.MatchString(string(s)) }

// Ref names one attempt at one order; it is part of most messages.
type Ref struct {
	Order   OrderID `json:"order"`
	Attempt Attempt `json:"attempt"`
}

// String is the form used in logs and file names: "ID.ATTEMPT".
func (r Ref) String() string { return fmt.Sprintf("%s.%d", r.Order, r.Attempt) }

func (r Ref) validate() error {
	switch {
	case !r.Order.Valid():
		return fmt.Errorf("%w: order id %.70q", ErrInvalid, string(r.Order))
	case r.Attempt < 1 || r.Attempt > 1_000_000:
		return fmt.Errorf("%w: attempt %d is outside 1–1000000", ErrInvalid, r.Attempt)
	}
	return nil
}
