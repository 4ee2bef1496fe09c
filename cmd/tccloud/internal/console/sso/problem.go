package sso

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"golang.org/x/oauth2"

	"tcenvsvr/agent/logging/plain"
)

// Problem is why nobody was signed in.
type Problem struct {
	Status     int    // of the page that says so
	Text, Hint string // sentences for who reads that page; nothing in it is the provider's
	Err        error  // what is known more, for the log
}

func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Text
	}
	return p.Text + " " + plain.Line(plain.Head(p.Err.Error(), 300))
}

func (p *Problem) Unwrap() error { return p.Err }

const otherwise = "Try again in a moment, or sign in with a password. The cloud's log says more."

func (p *Provider) unavailable(err error) error {
	return &Problem{http.StatusBadGateway, p.Name() + " cannot be reached, or does not answer as a provider of single sign-on does.", otherwise, err}
}

// again is for what the visitor can only do once more.
func again(err error) error {
	return &Problem{http.StatusBadRequest, "This sign-in was begun too long ago, in another browser or before another one, or was used already.", "Sign in again.", err}
}

func (p *Provider) refused(why string, err error) error {
	return &Problem{http.StatusBadGateway, "The answer of " + p.Name() + " was not accepted: " + why + ".", otherwise, err}
}

// clocks is for tokens of another time, by so much.
func (p *Provider) clocks(by time.Duration) error {
	return p.refused(fmt.Sprintf("its clock and that of this cloud differ by %s or more", by.Round(time.Second)), nil)
}

// errorCode is how codes look; others are not repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// denied is for what the provider says itself.
func (p *Provider) denied(code string) error {
	if !errorCode.MatchString(code) {
		code = "without a reason"
	}
	if code == "temporarily_unavailable" || code == "server_error" {
		return p.unavailable(errors.New(code))
	}
	return &Problem{http.StatusForbidden, p.Name() + " did not let you in (" + code + ").", "Ask whoever manages it whether you may use this cloud.", nil}
}

// notExchanged is for a code that got no token. The body of the answer is not repeated: it may have
// anything in it, this cloud's secret too.
func (p *Provider) notExchanged(err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return p.unavailable(err)
	}
	code := e.ErrorCode
	if !errorCode.MatchString(code) {
		code = ""
	}
	err = fmt.Errorf("its token endpoint answered %d %s", e.Response.StatusCode, code)
	switch code {
	case "invalid_grant":
		return again(err)
	case "invalid_client", "unauthorized_client":
		return &Problem{http.StatusBadGateway, p.Name() + " does not accept this cloud's client id or secret.", otherwise, err}
	}
	return p.unavailable(err)
}
