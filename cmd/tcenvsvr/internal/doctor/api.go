package doctor

import (
	"context"
	"crypto/tls"
	"net/http"
)

// apiReachable accepts any answer by HTTPS. Whether the token is valid is checked at the broker.
func apiReachable(ctx context.Context, t *target) outcome {
	if s := t.notReachable(); s != nil {
		return *s
	}
	res, err := t.get(ctx, &tls.Config{RootCAs: t.roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		return fail("check apiURL, and that outbound TCP 443 is allowed or a proxy is set", "%s", oneLine(err))
	}
	return ok("%s answers (%s)", t.settings.APIURL, res.status)
}

// answer is what every answer of the API has.
type answer struct{ status, date string }

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
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, t.settings.APIURL+"/api", nil)
	if err != nil {
		return answer{}, err
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	return answer{res.Status, res.Header.Get("Date")}, res.Body.Close()
}
