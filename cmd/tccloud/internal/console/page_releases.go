package console

import (
	"cmp"
	"fmt"
	"maps"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
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
	Change                string // the path of the form that changes it
	Running               int    // connected servers that have the version
}

// choiceLine is what was decided for one Environment or server.
type choiceLine struct {
	Kind, Name, Path, Channel, Pin string
	Change                         string // the path of the form that changes it
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
		d.Choices = append(d.Choices, choiceLine{kind, name, at(part, key), c.Channel, c.Pin, choiceLink(strings.ToLower(kind), key)})
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
	l.Change = link(Prefix+rolloutPath, url.Values{"of": {channel}})
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

// maxRelease bounds the form of an upload: a bundle of updates, and what is around it.
const maxRelease = 4<<30 + 1<<20

// addRelease hands a file on to the API as it comes: a package, which is known by its name, or a bundle
// of updates.
func addRelease(q *request) (done, error) {
	return q.upload("file", "choose a file", maxRelease, func(*multipart.Part) error { return nil }, func(file *multipart.Part) (done, error) {
		if name := file.FileName(); packages.Named(name) {
			p, err := q.cloud.AddPackage(q.Context(), name, file)
			if err != nil {
				return done{}, err
			}
			say := "Package " + p.Name + " was added."
			if (p.System == "rpm" || p.System == "deb") && !p.Signed {
				say += " It is not signed: hosts cannot check where it comes from."
			}
			return done{say: say, to: "releases"}, nil
		}
		known, err := q.cloud.ImportReleases(q.Context(), file)
		if err != nil {
			return done{}, err
		}
		return done{say: "The updates were added. " + count(len(known.Releases), "release") + " can be rolled out.", to: "releases"}, nil
	})
}

func removePackage(q *request) (done, error) {
	name := q.PathValue("name")
	if err := q.cloud.RemovePackage(q.Context(), name); err != nil {
		return done{}, err
	}
	return done{say: "Package " + name + " was removed.", to: "releases"}, nil
}
