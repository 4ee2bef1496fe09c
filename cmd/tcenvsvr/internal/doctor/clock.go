package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"

	hostclock "tcenvsvr/agent/host/clock"
)

func clock(ctx context.Context, t *target) outcome {
	if s := t.notReachable(); s != nil {
		return *s
	}
	u, err := url.Parse(t.settings.APIURL)
	if err != nil {
		return skip("the cloud's clock cannot be asked")
	}
	roots := t.roots
	if cas := t.cloudCAs(); len(cas) > 0 { // other CAs may be left out because they are expired by this clock
		roots = x509.NewCertPool()
		for _, ca := range cas {
			roots.AddCert(ca)
		}
	}
	res, err := t.get(ctx, hostclock.Timeless(roots, u.Hostname()))
	if err != nil { // a CA of this network stands in between
		res, err = t.get(ctx, &tls.Config{RootCAs: t.roots, MinVersion: tls.VersionTLS12})
	}
	if err != nil {
		return skip("the cloud's clock cannot be asked")
	}
	theirs, err := http.ParseTime(res.date)
	if err != nil {
		return skip("the cloud does not say what time it is")
	}
	skew := time.Since(theirs).Round(time.Second)
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	switch {
	case skew.Abs() > 5*time.Minute:
		return fail("set the one that is wrong: chronyc makestep", "this host's clock is %s %s the cloud's, which says %s", skew.Abs(), side, theirs.UTC().Format(time.DateTime))
	case skew.Abs() > hostclock.Tolerated:
		return warn("let chronyd keep both", "this host's clock is %s %s the cloud's", skew.Abs(), side)
	}
	return ok("within %s of the cloud's", max(skew.Abs(), time.Second))
}
