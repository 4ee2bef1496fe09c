package build

import (
	"cmp"
	"runtime/debug"
	"time"
)

// All are set by the release: -ldflags "-X tcenvsvr/cmd/tcenvsvr/internal/build.version=1.2.3".
var version, commit, date string

// Version is the release's version, or the one that Go recorded for a build by "go install" or
// from a clone.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return "0.0.0-dev"
	}
	return cmp.Or(info.Main.Version, "0.0.0-dev")
}

// Commit is the revision of the source, or "".
func Commit() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

// Time is the time of the commit that the release was built from, zero if it was not recorded. A
// clock that is behind it is wrong.
func Time() time.Time {
	at, _ := time.Parse(time.RFC3339, date)
	return at
}
