package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/updater/release"
)

// releasesData is what the page of releases shows.
type releasesData struct {
	v1.Updates
	Versions  []releaseLine
	Rollouts  []rolloutLine
	Choices   []choiceLine
	Connected int // servers
}

// releaseLine is one version, for all of its platforms.
type releaseLine struct {
	Version, Severity string
	Platforms         []string
	Running           int // connected servers
}

// rolloutLine is the rollout of one channel.
type rolloutLine struct {
	releases.Rollout
	Channel, State, Words string
	Running               int // connected servers that have the version
}

// choiceLine is what was decided for one Environment or server.
type choiceLine struct {
	Kind, Name, Path, Channel, Pin string
}

func loadReleases(q *request) (any, error) {
	u, err := q.cloud.Releases(q.Context())
	if err != nil {
		return nil, err
	}
	d := releasesData{Updates: u, Versions: versionLines(u)}
	for _, n := range u.Running {
		d.Connected += n
	}
	for _, name := range slices.Sorted(maps.Keys(u.Plan.Channels)) {
		d.Rollouts = append(d.Rollouts, lineOfRollout(name, u.Plan.Channels[name], u.Running))
	}
	for _, name := range slices.Sorted(maps.Keys(u.Plan.Environments)) {
		d.addChoice("Environment", name, "environments", name, u.Plan.Environments[name])
	}
	if len(u.Plan.Servers) == 0 {
		return d, nil
	}
	servers, err := q.cloud.Servers(q.Context(), "")
	for _, s := range servers {
		d.addChoice("Server", cmp.Or(s.Name, string(s.XID)), "servers", string(s.XID), u.Plan.Servers[s.XID])
	}
	return d, err
}

func (d *releasesData) addChoice(kind, name, part, key string, c releases.Choice) {
	if c != (releases.Choice{}) {
		d.Choices = append(d.Choices, choiceLine{kind, name, at(part, key), c.Channel, c.Pin})
	}
}

// versionLines are the versions that are served or run, the newest first.
func versionLines(u v1.Updates) []releaseLine {
	byVersion := map[string]*releaseLine{}
	line := func(version string) *releaseLine {
		if byVersion[version] == nil {
			byVersion[version] = &releaseLine{Version: version, Running: u.Running[version]}
		}
		return byVersion[version]
	}
	for _, r := range u.Releases {
		l := line(r.Version)
		l.Platforms = append(l.Platforms, r.OS+"/"+r.Arch)
		l.Severity = cmp.Or(l.Severity, r.Severity)
	}
	for version := range u.Running {
		line(version)
	}
	var lines []releaseLine
	for _, l := range byVersion {
		slices.Sort(l.Platforms)
		lines = append(lines, *l)
	}
	slices.SortFunc(lines, func(a, b releaseLine) int {
		return cmp.Or(release.Compare(b.Version, a.Version), strings.Compare(a.Version, b.Version))
	})
	return lines
}

func lineOfRollout(channel string, r releases.Rollout, running map[string]int) rolloutLine {
	l := rolloutLine{Rollout: r, Channel: channel, Running: running[r.Version], State: "green", Words: "For all servers"}
	switch {
	case r.Halted != "":
		l.State, l.Words = "red", "Halted: "+r.Halted
	case r.NotBefore.After(time.Now()):
		l.State, l.Words = "grey", "Begins at "+when(r.NotBefore)
	case r.Percent < 100:
		l.State, l.Words = "yellow", fmt.Sprintf("For %g %% of the servers", r.Percent)
	}
	return l
}

func haltRollout(q *request) (done, error) {
	channel := q.PathValue("channel")
	reason := cmp.Or(strings.TrimSpace(q.PostForm.Get("reason")), "by "+q.user.Name)
	if _, err := q.cloud.Halt(q.Context(), channel, reason); err != nil {
		return done{}, err
	}
	return done{say: "The rollout of " + channel + " was halted: servers that do not have the release yet do not get it.", to: "releases"}, nil
}
