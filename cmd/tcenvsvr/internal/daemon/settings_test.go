package daemon

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
	"tcenvsvr/updater"
)

// with are the settings where all but these are at their defaults.
func with(t *testing.T, set map[string]string) settings.Settings {
	t.Helper()
	s, _, err := settings.Load(settings.Options{Overrides: set})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The limits of the agent follow the settings, which allow no more than agent and cloud can speak of.
func TestSettingsLimitTheAgent(t *testing.T) {
	for _, name := range []string{"appsNumberofJobExecutors", "appsNumberofServices"} {
		if s, _ := settings.Lookup(name); s.Max != wire.MaxSlots {
			t.Errorf("%s is at most %d, want %d", name, s.Max, wire.MaxSlots)
		}
	}
	l := limits(with(t, map[string]string{"appsNumberofJobExecutors": "3", "appsNumberofServices": "7", "relaySystemInfoPublishSeconds": "7", "appsSessionDaystoKeep": "2"}))
	if l.Executors != 3 || l.Services != 7 || l.InfoEvery != 7*time.Second || l.KeepSessions != 48*time.Hour {
		t.Errorf("got %+v", l)
	}
}

// What finished jobs may take of the disk follows the settings.
func TestSettingsBoundFinishedJobs(t *testing.T) {
	dir := t.TempDir()
	disk, err := space.Of(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{paths: paths.Paths{Jobs: dir}, live: newLive(nil, with(t, map[string]string{"appsSessionsDiskPercent": "10"}))}
	most, err := d.bounds(time.Hour)
	if share := float64(most.Bytes) / float64(disk.Total); err != nil || most.Age != time.Hour || share < 0.099 || share > 0.101 {
		t.Errorf("got %+v of %d bytes, %v; want a tenth", most, disk.Total, err)
	}
}

// Where the broker is, and what is between, follow the settings.
func TestSettingsChooseTheDialer(t *testing.T) {
	direct := with(t, map[string]string{"brokerHost": "b.example", "brokerPort": "62001", "proxyHost": "p.example", "proxyPort": "3128"})
	if got := direct.BrokerAddr(); got != "b.example:62001" {
		t.Errorf("the broker is at %q", got)
	}
	through := direct
	through.ProxyTC = true
	for s, want := range map[*settings.Settings]string{&direct: "", &through: "http://p.example:3128"} {
		w, err := newDialer(*s, nil)
		if err != nil || w.String() != want {
			t.Errorf("proxyTC %v: the proxy is %q, %v; want %q", s.ProxyTC, w, err, want)
		}
	}
	if endpointOf(direct) == endpointOf(through) {
		t.Error("a change of proxyTC makes no new connection")
	}
}

// The keystore opens with its password and no other.
func TestSettingsOpenTheKeystore(t *testing.T) {
	b := linktest.Start(t, linktest.Config{})
	p := enrolled(t, b)
	if id, err := parts.LoadIdentity(p, with(t, map[string]string{"keystorePassword": "sesame"})); err != nil || id.Leaf().Subject.CommonName != "xid-1" {
		t.Errorf("with the password: %v", err)
	}
	if _, err := parts.LoadIdentity(p, with(t, map[string]string{"keystorePassword": "other"})); !errors.Is(err, bundle.ErrPassword) {
		t.Errorf("with another: got %v, want %v", err, bundle.ErrPassword)
	}
	s, _, err := settings.Load(settings.Options{File: p.Settings})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.Keystore); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"xid-1": "and the settings say that this host is server xid-1\nhint: restore it from a backup; without one make a fresh bundle (\"tccloud bundle ENV --server xid-1\")",
		"":      "there is no keystore ",
	} {
		s.ServerXID = name
		if _, err := parts.LoadIdentity(p, s); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, identity.ErrMissing) != (name != "") {
			t.Errorf("without a keystore, of server %q: got %v, want %q", name, err, want)
		}
	}
}

// What is only shown, and how much is logged, follow the settings.
func TestSettingsAreShown(t *testing.T) {
	p := enrolled(t, linktest.Start(t, linktest.Config{}))
	change(t, p, map[string]string{"environment": "lab"})
	s, _, err := settings.Load(settings.Options{File: p.Settings})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	d, err := build(t.Context(), &daemon{Config: Config{Home: p.Home}, paths: p, live: newLive(nil, s), logger: logger, levels: new(slog.LevelVar), vault: &vault{}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.journal.Close()
	if got := d.status().Environment; got != "lab" {
		t.Errorf("status shows Environment %q", got)
	}
	next := s
	next.LogLevel = "debug"
	if err := d.apply(s, next); err != nil || d.level().Level != "debug" {
		t.Errorf("the log level is %q, %v", d.level().Level, err)
	}
}

// Self-update follows the settings.
func TestSettingsRuleUpdates(t *testing.T) {
	s := with(t, map[string]string{"updateMode": "notify", "updateRateKilobytes": "250", "updateWindow": "sat 01:00-05:00"})
	p := (&updates{d: &daemon{live: newLive(nil, s), logger: slog.New(slog.DiscardHandler)}}).policy()
	thursday := time.Date(2026, 11, 26, 2, 0, 0, 0, time.Local)
	if open, _ := p.Window.Open(thursday); p.Mode != updater.Notify || p.Rate != 250_000 || open {
		t.Errorf("got %+v, open on a Thursday: %v", p, open)
	}
	if open, _ := p.Window.Open(thursday.AddDate(0, 0, 2)); !open {
		t.Error("the window is closed on Saturday")
	}
}
