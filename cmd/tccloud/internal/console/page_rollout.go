package console

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/form"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/updater/release"
)

const (
	rolloutPath   = "release-rollout"
	choicePath    = "release-choice"
	maxRolloutLag = 365 * day
)

// confirmed is a box without which nothing is done.
func confirmed(words string) form.Field {
	return form.Field{Name: "sure", Kind: form.Check, Label: words, Required: true}
}

// rolloutForm is the form that starts a rollout, widens it, or goes on with one that was halted.
type rolloutForm struct {
	formPage
	channel string
}

func newRolloutForm(q *request) (rolloutForm, error) {
	u, err := q.cloud.Releases(q.Context())
	if err != nil {
		return rolloutForm{}, err
	}
	at, err := q.places()
	if err != nil {
		return rolloutForm{}, err
	}
	p := rolloutForm{channel: q.given("of"), formPage: formPage{
		Heading: "Start a rollout", Send: "Start", Action: Prefix + rolloutPath, Back: Prefix + "releases", Crumbs: crumbsOf("Releases", "releases", "Rollout"),
		Lead: "Begin with canaries, widen with the percentage, end with 100 %. The rollout halts by itself where the release fails on too many servers.",
	}}
	now, is := u.Plan.Channels[p.channel]
	var first []form.Field
	if is {
		p.Seen, p.Hidden = digestOf(now), []hidden{{"of", p.channel}}
		p.Heading, p.Send = "Change the rollout of "+p.channel, "Change"
		if now.Halted != "" {
			p.Heading, p.Send = "Resume the rollout of "+p.channel, "Resume"
			p.Lead = "It was halted: " + sentence(now.Halted) + " " + p.Lead
		}
	} else {
		now.MaxFailures = 1
		channel := releases.DefaultChannel
		if _, taken := u.Plan.Channels[channel]; taken {
			channel = ""
		}
		first = append(first, channelField(u, channel, true))
	}
	var wait time.Duration
	if left := time.Until(now.NotBefore).Round(time.Minute); !now.NotBefore.IsZero() && left > 0 {
		wait = left
	}
	canaries := form.Field{Name: "canary", Kind: form.Several, Label: "Canaries", Unit: "they get it first", Options: at.servers, Says: []string{"server "}}
	for _, xid := range now.Canaries { // one that was revoked meanwhile, or is gone, is no option
		canaries.Chosen = append(canaries.Chosen, string(xid))
	}
	p.Form = form.New(form.Group{Fields: append(first, []form.Field{
		versionField(u, now.Version),
		{Name: "percent", Kind: form.Percent, Label: "For how many of the other servers", Unit: "percent", Required: true, Value: strconv.FormatFloat(now.Percent, 'f', -1, 64), Says: []string{"percent"}},
		canaries,
		{Name: "wait", Kind: form.Duration, Label: "Begin in", Unit: "such as 30m or 2h; empty: at once", Max: int64(maxRolloutLag / time.Second), Value: form.DurationText(wait)},
		{Name: "max_failures", Kind: form.Number, Label: "Failures allowed", Unit: "on more servers it halts", Max: 1_000_000, Value: strconv.Itoa(now.MaxFailures), Says: []string{"failures"}},
		confirmed("These servers update themselves to the version: I mean it"),
	}...)})
	q.fillIn(p.Form)
	if !is {
		p.channel = p.Value("channel")
		if _, taken := u.Plan.Channels[p.channel]; taken {
			p.Refuse("channel", "It has a rollout already: change that one.")
		} else if strings.Trim(p.channel, ".") == "" || len(p.channel) > 64 {
			p.Refuse("channel", "This is no name of a channel.")
		}
	}
	return p, nil
}

// channelField asks for a channel.
func channelField(u v1.Updates, channel string, required bool) form.Field {
	names := slices.Sorted(maps.Keys(u.Plan.Channels))
	if !slices.Contains(names, releases.DefaultChannel) {
		names = append(names, releases.DefaultChannel)
	}
	return form.Field{Name: "channel", Kind: form.Edit, Label: "Channel", Required: required, Value: channel, Options: form.Options(names...), Says: []string{`channel "`}}
}

// versionField asks for a version that is served.
func versionField(u v1.Updates, version string) form.Field {
	var versions []string
	for _, r := range u.Releases {
		versions = append(versions, r.Version)
	}
	slices.SortFunc(versions, func(a, b string) int { return release.Compare(b, a) })
	f := form.Field{Name: "version", Kind: form.Choice, Label: "Version", Required: true, Value: version, Options: form.Options(slices.Compact(versions)...), Says: []string{`version "`, "there is no release"}}
	if version == "" {
		f.Options = slices.Insert(f.Options, 0, form.Option{Label: "Choose one"})
	}
	if len(versions) == 0 {
		f.Note = "There is no release yet. Add its bundle first."
	}
	return f
}

func loadRollout(q *request) (any, error) {
	p, err := newRolloutForm(q)
	return p.formPage, err
}

func startRollout(q *request) (done, error) {
	p, err := newRolloutForm(q)
	if err == nil {
		err = p.complete(q)
	}
	if err != nil {
		return done{}, err
	}
	r := v1.NewRollout{Version: p.Value("version"), Percent: p.Percent("percent"), MaxFailures: int(p.Number("max_failures"))}
	for _, xid := range p.Chosen("canary") {
		r.Canaries = append(r.Canaries, wire.ServerXID(xid))
	}
	if wait := p.Duration("wait"); wait > 0 {
		r.NotBefore = time.Now().Add(wait).UTC().Truncate(time.Second)
	}
	if _, err := q.cloud.Rollout(q.Context(), p.channel, r); err != nil {
		return done{}, err
	}
	say := r.Version + " is offered to " + strconv.FormatFloat(r.Percent, 'f', -1, 64) + " % of the servers of " + p.channel
	if len(r.Canaries) > 0 {
		say += ", and to " + count(len(r.Canaries), "canary server")
	}
	if !r.NotBefore.IsZero() {
		say += ", from " + when(r.NotBefore) + " on"
	}
	return done{say: say + ".", to: "releases"}, nil
}

// newChoiceForm makes the form that pins one server or Environment, or gives it a channel.
func newChoiceForm(q *request) (formPage, error) {
	u, err := q.cloud.Releases(q.Context())
	if err != nil {
		return formPage{}, err
	}
	environments, err := q.cloud.Environments(q.Context())
	if err != nil {
		return formPage{}, err
	}
	at, err := q.places()
	if err != nil {
		return formPage{}, err
	}
	p := formPage{
		Heading: "Pin, or choose a channel", Send: "Set", Action: Prefix + choicePath, Back: Prefix + "releases", Crumbs: crumbsOf("Releases", "releases", "Pin"),
		Lead: "What one server or one Environment gets, whatever the rollout says. Leave channel and version empty to take back what was set.",
	}
	of := q.given("for")
	options := []form.Option{{Label: "Choose one"}}
	for _, e := range environments {
		options = append(options, form.Option{Value: "environment:" + e.Name, Label: "Environment " + e.Name})
	}
	for _, s := range at.servers {
		options = append(options, form.Option{Value: "server:" + s.Value, Label: "Server " + s.Label})
	}
	kind, key, _ := strings.Cut(of, ":")
	now := u.Plan.Environments[key]
	if kind == "server" {
		now = u.Plan.Servers[wire.ServerXID(key)]
	}
	pin := versionField(u, now.Pin)
	pin.Name, pin.Label, pin.Kind, pin.Required = "pin", "Pinned to", form.Edit, false
	pin.Options = slices.DeleteFunc(pin.Options, func(o form.Option) bool { return o.Value == "" })
	p.Form = form.New(form.Group{Fields: []form.Field{
		{Name: "for", Kind: form.Choice, Label: "For", Required: true, Value: of, Options: options, Says: []string{`environment "`, "server "}},
		channelField(u, now.Channel, false),
		pin,
		confirmed("The servers change to what this says: I mean it"),
	}})
	q.fillIn(p.Form)
	return p, nil
}

func loadChoice(q *request) (any, error) { return newChoiceForm(q) }

func choose(q *request) (done, error) {
	p, err := newChoiceForm(q)
	if err == nil {
		err = p.complete(q)
	}
	if err != nil {
		return done{}, err
	}
	c := v1.Choose{Choice: releases.Choice{Channel: p.Value("channel"), Pin: p.Value("pin")}}
	kind, key, _ := strings.Cut(p.Value("for"), ":")
	if kind == "server" {
		c.Server = wire.ServerXID(key)
	} else {
		c.Environment = key
	}
	if _, err := q.cloud.Choose(q.Context(), c); err != nil {
		return done{}, err
	}
	return done{say: "What the " + kind + " gets was set.", to: "releases"}, nil
}

// choiceLink leads to the form for one Environment or server.
func choiceLink(kind, key string) string {
	return link(Prefix+choicePath, url.Values{"for": {kind + ":" + key}})
}
