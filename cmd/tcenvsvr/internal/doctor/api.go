package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/logging/plain"
)

// apiReachable accepts any answer by HTTPS that an API may give to who shows no token. Whether the
// token is valid is checked at the broker.
func apiReachable(ctx context.Context, t *target) outcome {
	if s := t.notReachable(); s != nil {
		return *s
	}
	res, err := t.get(ctx, &tls.Config{RootCAs: t.roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		if p, ok := errors.AsType[*proxy.Error](err); ok {
			return t.failed(fault.Dialing(p))
		}
		return fail("check apiURL, and that outbound TCP 443 is allowed or a proxy is set", "%s", oneLine(plain.WithoutURL(err)))
	}
	said := &cloud.StatusError{Status: res.code}
	if said.Denied() || said.Code() == "" {
		return ok("%s answers (%s)", t.settings.APIURL, res.status)
	}
	return warn(said.Hint(), "%s answers %s (%s)%s", t.settings.APIURL, res.status, said.Code(), res.elsewhere)
}

// answer is what every answer of the API has.
type answer struct {
	code         int
	status, date string
	elsewhere    string // where a redirect leads, in words
}

// get makes a request to the API.
func (t *target) get(ctx context.Context, conf *tls.Config) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, hopTimeout)
	defer cancel()
	client := &http.Client{
		Transport: &http.Transport{
			DialContext: t.dialer.DialContext, DisableKeepAlives: true,
			TLSClientConfig: conf,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, t.settings.APIURL+"/api/", nil) // the folder itself: without the slash a server may lead there
	if err != nil {
		return answer{}, err
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	a := answer{code: res.StatusCode, status: plain.Line(res.Status), date: res.Header.Get("Date")}
	if to, err := res.Location(); err == nil {
		a.elsewhere = fmt.Sprintf(", and leads to %q", plain.Head(to.Scheme+"://"+to.Host, 200)) // a path may hold what is secret
	}
	return a, res.Body.Close()
}
