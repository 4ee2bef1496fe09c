package sso

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	maxAnswer = 128 << 10        // bytes
	answer    = 10 * time.Second // is the time for all of one
)

// newClient asks by https only, follows no redirect, and bounds time and bytes of an answer.
func newClient(ca []byte) (*http.Client, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != nil {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("--oidc-ca-file has no certificate in PEM")
		}
	}
	return &http.Client{
		Transport: bounded{&http.Transport{
			Proxy: proxy, TLSClientConfig: trust, TLSHandshakeTimeout: answer, ForceAttemptHTTP2: true,
			MaxConnsPerHost: 16, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer,
		}},
		Timeout:       answer,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// proxy is that of the environment. An address that cannot be read is not quoted: it may have a password.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errors.New("HTTPS_PROXY is no address of a proxy")
	}
	return u, nil
}

// bounded refuses what is no answer of a provider, so that libraries do not read or quote it.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errors.New("only https is asked")
	}
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	// A token endpoint says with its status what was wrong.
	if r.Method == http.MethodGet && res.StatusCode != http.StatusOK || res.StatusCode/100 == 3 {
		res.Body.Close()
		return nil, fmt.Errorf("the answer is %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}
