package daemon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"path/filepath"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// newTrust is the store of trusted CAs, with the cloud's own among them.
func (d *daemon) newTrust(cas []*x509.Certificate) (*certs.Store, error) {
	if err := certs.SetCloud(d.paths.CloudCA, cas); err != nil {
		return nil, err
	}
	return certs.New(certs.Config{
		Dir: d.paths.Trust, Sources: parts.TrustSources(d.paths, d.live.settings()),
		Readable: d.jobs.Readable(), Logger: d.logger.With("component", "certs"),
	}), nil
}

// tlsConfig returns what is called for each connection, so that all connections follow when CAs
// change. own gives our certificate; nil = none is shown.
func tlsConfig(trust *certs.Store, own func(*tls.CertificateRequestInfo) (*tls.Certificate, error)) func() (*tls.Config, error) {
	return func() (*tls.Config, error) {
		pool, err := trust.Pool()
		if err != nil {
			return nil, err
		}
		return &tls.Config{GetClientCertificate: own, RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
	}
}

// pinned is tlsConfig for brokers that the cloud named itself: it trusts the CAs of the bundle alone,
// and neither public ones nor an administrator's.
func pinned(id *identity.Identity) func() (*tls.Config, error) {
	return func() (*tls.Config, error) {
		pool := x509.NewCertPool()
		for _, ca := range id.CAs() {
			pool.AddCert(ca)
		}
		return &tls.Config{GetClientCertificate: id.Offer, RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
	}
}

// execution is parts.Execution with the CAs that the App of a session trusts.
func (d *daemon) execution(ctx context.Context, session string) (app.Execution, error) {
	e := parts.Execution(d.live.settings())
	if err := certs.SetCloud(d.paths.CloudCA, d.id.CAs()); err != nil { // writes only what is not there as it must be
		return e, &fault.Error{Code: fault.NoTrust, Err: err}
	}
	set, err := d.trust.Lease(ctx, session)
	if err != nil {
		return e, &fault.Error{Code: fault.NoTrust, Err: err}
	}
	e.TrustEnv, e.TrustArgs = set.Env(), set.JavaArgs()
	e.Isolation, err = d.jobs.World(ctx, d.paths)
	return e, err
}

// sweep removes what old jobs leave: their folders, the sets of CAs that no other job needs, and
// what an "app run" that was killed could not remove.
func (d *daemon) sweep() func(context.Context, time.Duration, func(string) bool) error {
	folders := d.jobs.Janitor(d.paths.Jobs)
	return func(ctx context.Context, olderThan time.Duration, keep func(session string) bool) error {
		most, err := d.bounds(olderThan)
		orders := keep
		keep = func(session string) bool { return orders(session) || d.templates.Owns(session) }
		return errors.Join(err, folders.Sweep(ctx, most, keep), folders.SweepGuests(ctx, d.paths.Programs, d.paths.Jobs), d.trust.Prune(keep))
	}
}

// bounds are what finished jobs may take, by the settings.
func (d *daemon) bounds(age time.Duration) (janitor.Bounds, error) {
	disk, err := space.Of(d.paths.Jobs)
	share := uint64(d.live.settings().SessionsShare)
	return janitor.Bounds{Age: age, Bytes: int64(disk.Total / 100 * share), Files: int64(disk.Files / 100 * share)}, err
}

// tidy removes at once what a session no longer needs when the cloud has its result. Its folder
// stays for a while.
func (d *daemon) tidy(session string) {
	d.templates.Ended(filepath.Join(d.paths.Jobs, session))
	if err := errors.Join(d.trust.Release(session), janitor.Tidy(filepath.Join(d.paths.Jobs, session))); err != nil {
		d.logger.Debug("remains of a job were not removed yet", "session", session, "err", err)
	}
}
