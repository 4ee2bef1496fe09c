package console

import (
	"net/url"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
)

// environmentData is what the page of one Environment shows.
type environmentData struct {
	v1.Environment
	Row      live.Row
	History  history
	Servers  []line
	Services []v1.Service
	Packages []v1.Package // that a bundle can have
	Systems  []string
	BrokerAt string
}

// Title implements titled.
func (d environmentData) Title() string { return d.Name }

func loadEnvironment(q *request) (any, error) {
	e, err := q.cloud.Environment(q.Context(), q.PathValue("name"))
	if err != nil {
		return nil, err
	}
	servers, err := q.cloud.Servers(q.Context(), e.Name)
	if err != nil {
		return nil, err
	}
	services, err := q.cloud.Services(q.Context())
	if err != nil {
		return nil, err
	}
	updates, err := q.cloud.Releases(q.Context())
	if err != nil {
		return nil, err
	}
	d := environmentData{Environment: e, Row: environmentRow(e), Servers: linesOf(servers, serverLine).Lines, Packages: updates.Packages, Systems: packages.Systems}
	urgentFirst(d.Servers)
	if d.History, err = loadHistory(q.Context(), q.cloud, e.Name, spanOf(q.URL.Query().Get("hours"))); err != nil {
		return nil, err
	}
	for _, s := range services {
		if s.Environment == e.Name {
			d.Services = append(d.Services, s)
		}
	}
	return d, nil
}

func environmentPath(q *request) string { return "environments/" + url.PathEscape(q.PathValue("name")) }

func setActive(active bool) func(*request) (done, error) {
	return func(q *request) (done, error) {
		e, err := q.cloud.SetActive(q.Context(), q.PathValue("name"), active)
		if err != nil {
			return done{}, err
		}
		say := "Environment " + e.Name + " is inactive: its servers are refused, and its orders wait."
		if active {
			say = "Environment " + e.Name + " is active."
		}
		return done{say: say, to: environmentPath(q)}, nil
	}
}

func deleteEnvironment(q *request) (done, error) {
	name := q.PathValue("name")
	if q.PostForm.Get("confirm") != name {
		return done{}, &invalid{"type the Environment's name to delete it"}
	}
	if err := q.cloud.DeleteEnvironment(q.Context(), name, q.PostForm.Get("force") == "true"); err != nil {
		return done{}, err
	}
	return done{say: "Environment " + name + " was deleted."}, nil
}

// downloadBundle answers with the file itself.
func downloadBundle(q *request) (done, error) {
	f := q.PostForm
	system, arch, _ := strings.Cut(f.Get("system"), "/")
	b := v1.NewBundle{
		Kind: f.Get("kind"), Name: strings.TrimSpace(f.Get("name")), Server: wire.ServerXID(f.Get("server")),
		Wanted: packages.Wanted{System: system, Arch: arch},
	}
	if b.Kind == "env" {
		b.Wanted = packages.Wanted{}
	}
	file, err := q.cloud.OpenBundle(q.Context(), q.PathValue("name"), b)
	if err != nil {
		return done{}, err
	}
	return done{served: true}, q.send(file)
}
