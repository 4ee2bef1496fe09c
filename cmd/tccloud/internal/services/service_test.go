package services

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

// TestCheck: what a service cannot be.
func TestCheck(t *testing.T) {
	many := make([]Trigger, MaxTriggers+1)
	for i := range many {
		many[i].Name = fmt.Sprint("t", i)
	}
	trigger := func(tr Trigger) func(*Service) {
		return func(v *Service) {
			v.Runtime, v.Path = wire.RuntimeTriggerService, ""
			if tr.Name == "" {
				tr.Name = "mail"
			}
			v.Triggers = []Trigger{tr}
		}
	}
	for _, tt := range []struct {
		change func(*Service)
		want   string // "" = it is one
	}{
		{func(*Service) {}, ""},
		{func(v *Service) { v.Name = "a b" }, `name "a b": use 1–64 letters`},
		{func(v *Service) { v.Environment = "" }, `environment "" is none`},
		{func(v *Service) { v.Server = "a b" }, `server "a b" is none`},
		{func(v *Service) { v.App = "" }, `App "" is none`},
		{func(v *Service) { v.Runtime = wire.RuntimeJob }, `App "App" is no service App (it is a job App)`},
		{func(v *Service) { v.Path = "a//b" }, `path "a//b": use names`},
		{func(v *Service) { v.Path = "" }, "an API service needs a path"},
		{func(v *Service) { v.Runtime = wire.RuntimeTriggerService }, "only API services have a path"},
		{func(v *Service) { v.LogLevel = "loud" }, `log level "loud": use TRACE`},
		{func(v *Service) { v.Triggers = many[:1] }, "only trigger services have triggers"},
		{func(v *Service) { v.Runtime, v.Path, v.Triggers = wire.RuntimeTriggerService, "", many }, "257 triggers, at most 256 are possible"},
		{func(v *Service) { v.Runtime, v.Path, v.Triggers = wire.RuntimeTriggerService, "", many[:MaxTriggers] }, ""},
		{func(v *Service) { v.CallTimeoutMS = -1 }, "timeout of calls -1ms is outside 0–10m0s"},
		{func(v *Service) { v.CallTimeoutMS = 600_001 }, "timeout of calls 10m0.001s is outside 0–10m0s"},
		{func(v *Service) { v.MaxBody = MaxMaxBody + 1 }, "largest body of calls 33554433 is outside 0–33554432 bytes"},
		{func(v *Service) { v.Rate = -1 }, "-1 calls in a second are outside 0–10000"},
		{func(v *Service) { v.Params = map[string]string{"p": strings.Repeat("x", maxSize)} }, "the parameters need 524295 bytes, at most 524288 are possible"},
		{trigger(Trigger{Name: "a b"}), `trigger "a b": use 1–64 letters`},
		{trigger(Trigger{Start: &Start{App: "Handle"}, Outputs: []string{"#Trigger:1:subject!String"}}), ""},
		{trigger(Trigger{Start: &Start{}}), `trigger "mail" starts App "", which is none`},
		{trigger(Trigger{Outputs: []string{"#App:1:subject!String"}}), `trigger "mail": output "#App:1:subject!String" wants the form #Trigger:1:name!String`},
		{trigger(Trigger{Params: map[string]string{"p": strings.Repeat("x", maxConfig-100)}}), ""},
		// A quotation mark takes two bytes of the message to the App.
		{trigger(Trigger{Params: map[string]string{"p": strings.Repeat("\"", maxConfig/2)}}), `trigger "mail": what its App is told of it needs 188`},
	} {
		v := &Service{Name: "lookup", Environment: "lab", App: "App", Runtime: wire.RuntimeAPIService, Path: "lookup"}
		tt.change(v)
		switch err := v.Check(); {
		case tt.want == "" && err != nil:
			t.Errorf("got %v of a service that is well", err)
		case tt.want != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("got %v, want ErrInvalid with %q", err, tt.want)
		}
	}
}

// A request to an App whose server is gone, or goes, is over and not left to its timeout.
func TestRequestsOfATalkThatEnds(t *testing.T) {
	k := &talk{pending: map[string]*pending{}, peer: deaf{}}
	if _, err := k.request(t.Context(), request{Key: "a"}); !errors.Is(err, errOver) {
		t.Errorf("a server that takes nothing: got %v", err)
	}
	k.peer = leaving{talk: k}
	if _, err := k.request(t.Context(), request{Key: "b"}); !errors.Is(err, errOver) {
		t.Errorf("a server that went: got %v", err)
	}
	if _, err := k.request(t.Context(), request{Key: "c"}); !errors.Is(err, errOver) {
		t.Errorf("a server that is gone: got %v", err)
	}
}

// deaf is the session of a server that takes nothing any more.
type deaf struct{}

func (deaf) Send(wire.Message) error              { return errors.New("the connection is closed") }
func (deaf) End(wire.Code, string, time.Duration) {}

// leaving is the session of a server that goes while it is asked.
type leaving struct {
	deaf
	*talk
}

func (l leaving) Send(wire.Message) error {
	l.end()
	return nil
}
