package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/lease"
)

const (
	jobPrefix   = "job."
	statePrefix = "state."
)

// Orders make and follow the orders of runs.
type Orders interface {
	// Submit makes the order of a run: left overrides the Job's parameters. Its error wraps ErrRefused where another try does not mend
	// it, and dispatch.ErrExists where the id was used before.
	Submit(ctx context.Context, j *Job, id wire.OrderID, left map[string]string) error
	// Get returns an order, or dispatch.ErrNotFound.
	Get(ctx context.Context, id wire.OrderID) (dispatch.Execution, error)
}

// Config of Jobs. KV and Orders are required.
type Config struct {
	KV     jetstream.KeyValue // Bucket
	Orders Orders
	// Gateway is this process among those that share the bucket; "" = there is no other.
	Gateway string
	// Trusted reports whether this host's clock tells what is due; nil = always. A gateway for which it
	// does takes the lease from one for which it does not.
	Trusted func() bool
	// Command is the program that is run for failures of Jobs that say so (Job.Notify); "" = there is
	// none. No Job says which.
	Command string
	Now     func() time.Time // nil = time.Now
	Logger  *slog.Logger     // nil discards
}

// Jobs is safe for concurrent use. It answers from memory, which Run keeps up to date, and writes
// through to the bucket.
type Jobs struct {
	Config
	lease *lease.Lease
	wake  chan struct{} // 1 token: something changed
	ready chan struct{} // closed when the bucket has been read

	mu      sync.Mutex
	entries map[string]*entry // by name
	turn    string            // the Environment that was last in turn, see todo
	last    time.Time         // of the last todo
}

// entry is what is known of one Job. What it points to is never changed.
type entry struct {
	job      *Job // nil: removed
	jobRev   uint64
	state    *State // nil: there is none yet
	stateRev uint64

	next   time.Time // due; zero while it is not computed, see todo
	rest   time.Time // after an error: not before that, by the monotonic clock
	looked time.Time // when its run was looked at, by the monotonic clock
	untold bool      // a failure is to be told
}

// View is a Job with what became of it.
type View struct {
	Job   Job
	State State
	Next  time.Time // due; zero if never
}

// New returns Jobs; they are complete when Run has read the bucket.
func New(cfg Config) *Jobs {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	l := lease.New(lease.Config{KV: cfg.KV, Gateway: cfg.Gateway, Trusted: cfg.Trusted, What: "Jobs", Logger: cfg.Logger})
	return &Jobs{Config: cfg, lease: l, wake: make(chan struct{}, 1), ready: make(chan struct{}), entries: map[string]*entry{}}
}

// Create adds a Job, and gives it its identity unless it has one: values are sealed for that before.
func (s *Jobs) Create(ctx context.Context, j Job) (View, error) {
	now := s.now()
	if j.ID == "" {
		j.ID = NewID()
	}
	if j.Params == nil {
		j.Params = map[string]string{}
	}
	j.Created, j.Since, j.Missed = now, now, cmp.Or(j.Missed, Skip)
	if err := s.check(&j); err != nil {
		return View{}, err
	}
	if other := s.named(j.ID); other != "" {
		return View{}, fmt.Errorf("creating Job %q: %w: %q has its id", j.Name, ErrExists, other)
	}
	if j.never(now) {
		return View{}, fmt.Errorf("%w: schedule %q never comes", ErrInvalid, j.Schedule)
	}
	data, err := json.Marshal(j)
	if err != nil {
		return View{}, err
	}
	revision, err := s.KV.Create(ctx, jobPrefix+j.Name, data)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return View{}, fmt.Errorf("creating Job %q: %w", j.Name, ErrExists)
	}
	if err != nil {
		return View{}, fmt.Errorf("creating Job %q: %w", j.Name, err)
	}
	s.apply(jobPrefix+j.Name, data, revision, false)
	return s.view(&j, nil), nil
}

// NewID is the identity of a new Job.
func NewID() wire.JobID {
	var id [12]byte
	_, _ = rand.Read(id[:])
	return wire.JobID(hex.EncodeToString(id[:]))
}

// named is the Job that has an identity, "" if none does.
func (s *Jobs) named(id wire.JobID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, e := range s.entries {
		if e.job != nil && e.job.ID == id {
			return name
		}
	}
	return ""
}

// check is Job.Check and what this gateway can.
func (s *Jobs) check(j *Job) error {
	if j.Notify == Command && s.Command == "" {
		return fmt.Errorf("%w: %w", ErrInvalid, errNoCommand)
	}
	return j.Check()
}

// Get returns one Job.
func (s *Jobs) Get(ctx context.Context, name string) (View, error) {
	j, st, _, err := s.read(ctx, name)
	if err != nil {
		return View{}, err
	}
	return s.view(j, st), nil
}

// Named returns the identities of the Jobs whose names contain a text, in upper or lower case.
func (s *Jobs) Named(text string) []wire.JobID {
	text = strings.ToLower(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []wire.JobID
	for name, e := range s.entries {
		if e.job != nil && strings.Contains(strings.ToLower(name), text) {
			all = append(all, e.job.ID)
		}
	}
	return all
}

// List returns the Jobs by name, when they have been read.
func (s *Jobs) List(ctx context.Context) ([]View, error) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	var known []entry
	for _, e := range s.entries {
		if e.job != nil {
			known = append(known, *e)
		}
	}
	s.mu.Unlock()
	list := make([]View, len(known))
	for i, e := range known {
		list[i] = s.view(e.job, e.state)
	}
	slices.SortFunc(list, func(a, b View) int { return strings.Compare(a.Job.Name, b.Job.Name) })
	return list, nil
}

func (s *Jobs) view(j *Job, st *State) View {
	st = stateOf(j, st)
	now := s.now()
	next := st.next(j, now)
	if !next.IsZero() && !next.After(now) { // about to be decided
		next = j.dues().Next(now)
	}
	return View{Job: *j, State: *st, Next: next}
}

// Change changes a Job and, where edit is not empty, what its runs left, in one write. If others do
// so at once, all changes are made, one after the other.
func (s *Jobs) Change(ctx context.Context, name string, edit Edit, change func(*Job) error) (View, error) {
	for {
		j, over, err := s.readJob(ctx, name)
		if err != nil {
			return View{}, err
		}
		before := *j
		if !edit.empty() {
			if j.Edit, err = s.edited(ctx, name, edit); err != nil {
				return View{}, err
			}
			before.Edit = j.Edit
		}
		if err := change(j); err != nil {
			return View{}, err
		}
		j.Name, j.ID, j.Created, j.Edit = before.Name, before.ID, before.Created, before.Edit
		if j.Schedule != before.Schedule || j.Zone != before.Zone || j.Paused != before.Paused {
			j.Since = s.now()
		}
		if err := s.check(j); err != nil {
			return View{}, err
		}
		if (j.Schedule != before.Schedule || j.Zone != before.Zone) && j.never(s.now()) {
			return View{}, fmt.Errorf("%w: schedule %q never comes", ErrInvalid, j.Schedule)
		}
		revision, data, err := bucket.Write(ctx, s.KV, jobPrefix+name, j, over)
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return View{}, fmt.Errorf("changing Job %q: %w", name, err)
		}
		s.apply(jobPrefix+name, data, revision, false)
		return s.Get(ctx, name)
	}
}

// Remove removes a Job and its history. A run that is under way goes on.
func (s *Jobs) Remove(ctx context.Context, name string) error {
	for {
		j, over, err := s.readJob(ctx, name)
		if err != nil {
			return err
		}
		err = s.KV.Purge(ctx, jobPrefix+name, jetstream.LastRevision(over))
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("removing Job %q: %w", name, err)
		}
		s.removed(ctx, j, over)
		return nil
	}
}

// removed forgets what was kept of a Job. Another one may have the name by now: its state stays. A
// state that is left over harms nobody, because it names its Job.
func (s *Jobs) removed(ctx context.Context, j *Job, revision uint64) {
	st, err := s.KV.Get(ctx, statePrefix+j.Name)
	var of State
	if err == nil {
		err = json.Unmarshal(st.Value(), &of)
	}
	if err == nil && of.Job == j.ID {
		err = s.KV.Purge(ctx, statePrefix+j.Name, jetstream.LastRevision(st.Revision()))
	}
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		s.Logger.Debug("the state of a Job that was removed stays", "job", j.Name, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[j.Name]; e != nil && e.jobRev <= revision {
		e.job, e.state = nil, nil
	}
}

// Start begins a run on demand, also of a Job that is paused, and returns its order's id; ErrRunning
// if one is under way. Where a run that failed waits for its next try, that begins now.
func (s *Jobs) Start(ctx context.Context, name string) (wire.OrderID, error) {
	v, err := s.changeState(ctx, name, func(j *Job, st *State) error {
		if st.Run != nil && !st.Run.Again.IsZero() {
			st.again(j)
			return nil
		}
		if st.Run != nil {
			return fmt.Errorf("starting Job %q: %w: order %s", name, ErrRunning, st.Run.Order)
		}
		st.demand(j, s.now())
		return nil
	})
	if err != nil {
		return "", err
	}
	return v.State.Run.Order, nil
}

// edited returns an edit as it is stored. The one before it is in the State by then: a Job has room
// for one.
func (s *Jobs) edited(ctx context.Context, name string, edit Edit) (*Edit, error) {
	for {
		j, stored, revision, err := s.read(ctx, name)
		if err != nil {
			return nil, err
		}
		st := stateOf(j, stored).clone()
		if st.Edits != stored.editsOf(j) {
			switch err := s.putState(ctx, name, st, revision); {
			case bucket.Overtaken(err):
				continue
			case err != nil:
				return nil, fmt.Errorf("changing the state of Job %q: %w", name, err)
			}
		}
		for _, k := range edit.Forget {
			if _, ok := st.Left[k]; !ok {
				return nil, fmt.Errorf("%w: nothing of the name %.80q was left by a run", ErrInvalid, k)
			}
		}
		edit.N = st.Edits + 1
		if st.take(&edit); size(st.Left) > maxLeft {
			return nil, fmt.Errorf("%w: what is left for the next run needs %d bytes, at most %d are possible", ErrInvalid, size(st.Left), maxLeft)
		}
		return &edit, nil
	}
}

// errUnchanged is for changes that find nothing to change.
var errUnchanged = errors.New("nothing is to be changed")

// changeState changes a State as the bucket has it. If others do so at once, all changes are made.
func (s *Jobs) changeState(ctx context.Context, name string, change func(*Job, *State) error) (View, error) {
	for {
		j, st, revision, err := s.read(ctx, name)
		if err != nil {
			return View{}, err
		}
		st = stateOf(j, st).clone()
		err = change(j, st)
		if errors.Is(err, errUnchanged) {
			return s.view(j, st), nil
		}
		if err != nil {
			return View{}, err
		}
		err = s.putState(ctx, name, st, revision)
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return View{}, fmt.Errorf("changing the state of Job %q: %w", name, err)
		}
		return s.view(j, st), nil
	}
}

// now is the time as it is stored.
func (s *Jobs) now() time.Time { return s.Now().UTC().Truncate(time.Second) }
