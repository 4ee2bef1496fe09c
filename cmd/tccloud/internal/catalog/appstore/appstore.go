package appstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// Names of the buckets and how long Playbook variables and logs stay.
const (
	ValuesBucket    = "playbook_values"
	LargeBucket     = "playbook_large"
	VariablesBucket = "runtime_variables"
	LogStream       = "APPLOG"
	ValuesTTL       = 7 * 24 * time.Hour
)

// TokenLife is how long a token is valid unless the configuration says otherwise. An App may run for
// longer: until its attempt ends it gets a new token for the one that it has, also where that is over.
const TokenLife = 4 * time.Hour

// Executions are the dispatcher's orders.
type Executions interface {
	Get(ctx context.Context, id wire.OrderID) (dispatch.Execution, error)
	Params(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (map[string]string, error)
}

// Exchange has the values of requests to services that are under way, see package exchange.
type Exchange interface {
	Get(ctx context.Context, kvContext, name string) ([]byte, error)
	Put(ctx context.Context, kvContext, name string, value []byte) error
}

// Config of a Store; all but Logger are required.
type Config struct {
	Executions Executions
	Exchange   Exchange
	Signer     *apptoken.Signer
	// TokenLife is how long a renewed token is valid; 0 = [TokenLife].
	TokenLife time.Duration
	// Expire reports whether the end of a token may be compared with this host's clock; nil =
	// always. Otherwise a token is valid until its attempt ends.
	Expire func() bool
	// Trusted reports whether the age of values and logs may be told by this host's clock; nil =
	// always.
	Trusted   func() bool
	Store     *store.Store        // of the buckets and the stream below
	Values    jetstream.KeyValue  // ValuesBucket
	Large     *bucket.Objects     // LargeBucket
	Variables jetstream.KeyValue  // VariablesBucket
	JS        jetstream.JetStream // for LogStream
	Logger    *slog.Logger
	// Bytes bounds all values: half of it those in Values, half those in Large; 0 = any.
	Bytes int64
	// Trim removes the oldest values of a bucket, see [retention.Pruner.Trim]; nil: values are
	// removed only by age.
	Trim func(ctx context.Context, bucket string, bound retention.Bound, may func(key string, value []byte) bool) (int, error)
}

// Store implements api.Store.
type Store struct {
	Config
}

var _ api.Store = (*Store)(nil)

// New returns the store.
func New(cfg Config) *Store {
	cfg.TokenLife = cmp.Or(cfg.TokenLife, TokenLife)
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	if cfg.Expire == nil {
		cfg.Expire = func() bool { return true }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Store{Config: cfg}
}

// Session implements api.Tokens.
func (s *Store) Session(ctx context.Context, token string) (api.Session, error) {
	claims, err := s.Signer.Check(token)
	if err != nil && (s.Expire() || !errors.Is(err, apptoken.ErrExpired)) {
		return api.Session{}, api.ErrToken
	}
	return s.live(ctx, claims)
}

// Renew implements api.Tokens. It renews an expired token, too, as long as the execution has not
// ended.
func (s *Store) Renew(ctx context.Context, token string) (string, time.Time, error) {
	claims, err := s.Signer.Check(token)
	if err != nil && !errors.Is(err, apptoken.ErrExpired) {
		return "", time.Time{}, api.ErrToken
	}
	if _, err := s.live(ctx, claims); err != nil {
		return "", time.Time{}, err
	}
	fresh := s.Signer.Issue(claims.Order, claims.Attempt, s.TokenLife)
	return fresh, time.Now().Add(s.TokenLife), nil
}

func (s *Store) live(ctx context.Context, claims apptoken.Claims) (api.Session, error) {
	e, err := s.Executions.Get(ctx, claims.Order)
	switch {
	case errors.Is(err, dispatch.ErrNotFound):
		return api.Session{}, api.ErrToken
	case err != nil:
		return api.Session{}, fmt.Errorf("looking for the execution of an App: %w", err)
	case e.Terminal() || e.Attempt != claims.Attempt:
		return api.Session{}, api.ErrToken
	}
	session := api.Session{ID: claims.Ref.String(), Context: e.KVContext, Expires: claims.Expires}
	if e.Service != nil {
		session.Service = e.Service.ID
	}
	return session, nil
}

// Execution returns the execution that a session stands for.
func (s *Store) Execution(ctx context.Context, session api.Session) (dispatch.Execution, error) {
	r, err := Ref(session)
	if err != nil {
		return dispatch.Execution{}, err
	}
	return s.Executions.Get(ctx, r.Order)
}

// Ref is the attempt that a session stands for.
func Ref(s api.Session) (wire.Ref, error) {
	for i := len(s.ID) - 1; i > 0; i-- {
		if s.ID[i] == '.' {
			var attempt int
			_, err := fmt.Sscanf(s.ID[i+1:], "%d", &attempt)
			return wire.Ref{Order: wire.OrderID(s.ID[:i]), Attempt: wire.Attempt(attempt)}, err
		}
	}
	return wire.Ref{}, api.ErrToken
}

// Params implements api.Runs.
func (s *Store) Params(ctx context.Context, session api.Session) (map[string]string, error) {
	r, err := Ref(session)
	if err != nil {
		return nil, err
	}
	params, err := s.Executions.Params(ctx, r.Order, r.Attempt)
	if errors.Is(err, dispatch.ErrNotFound) { // ended in this moment
		return nil, api.ErrToken
	}
	return params, err
}
