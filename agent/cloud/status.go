package cloud

import (
	"net/http"

	"tcenvsvr/agent/logging/plain"
)

// Codes of answers of the API, which name what is wrong where a status alone does not.
const (
	codeUnauthorized = "api.unauthorized"
	codeProxyAuth    = "api.proxy_auth"
	codeElsewhere    = "api.elsewhere"
	codeUnavailable  = "api.unavailable"
)

// Hints say what each code means and what to try.
var Hints = map[string]string{
	codeUnauthorized: "appDeliveryToken does not belong to this server, or the server was revoked: enroll with a fresh bundle",
	codeProxyAuth:    "a proxy on the way wants a name and a password: set proxyUsername and proxyPassword",
	codeElsewhere:    "what answers leads elsewhere and is not the API: check apiURL, and whether a proxy or a login page stands in between",
	codeUnavailable:  "what stands before the cloud answers, and the cloud does not, or it is busy: it is tried again; its administrators know more",
}

// Code names what the status means, "" where the status says all there is to say.
func (e *StatusError) Code() string {
	switch {
	case e.Denied():
		return codeUnauthorized
	case e.Status == http.StatusProxyAuthRequired:
		return codeProxyAuth
	case e.Status/100 == 3:
		return codeElsewhere
	case e.Status == http.StatusBadGateway, e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		return codeUnavailable
	}
	return ""
}

// Hint says what to try, "" where nothing is known.
func (e *StatusError) Hint() string { return Hints[e.Code()] }

// Denied reports whether the API does not take this server's token.
func (e *StatusError) Denied() bool { return e.Status == http.StatusUnauthorized }

const (
	maxPage = 4096 // of an answer that is no success, in bytes
	maxSaid = 300  // of what it says
)

// said is what an answer says, on one line and cut; of a page that was meant for browsers its text.
func said(answer string) string { return plain.Head(plain.Page(answer), maxSaid) }
