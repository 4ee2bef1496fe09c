package version

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"tcenvsvr/agent/logging/plain"
)

// maxRange bounds the text of a range, and so the time that a comparison takes.
const maxRange = 100

// Compare returns +1 where a is newer than b, -1 where it is older, and 0 where nobody can tell.
func Compare(a, b string) int {
	va, vb := parse(a), parse(b)
	switch {
	case va == nil && vb == nil:
		return 0
	case va == nil:
		return -1
	case vb == nil:
		return 1
	}
	return va.Compare(vb)
}

// parse returns nil for what is no semantic version.
func parse(s string) *semver.Version {
	v, err := semver.NewVersion(s)
	if err != nil {
		return nil
	}
	return v
}

// IsRange reports whether a text may mean several versions.
func IsRange(s string) bool {
	if strings.ContainsAny(s, "<>=!~^|, *") {
		return true
	}
	parts := strings.Split(s, ".")
	return parse(s) == nil && (slices.Contains(parts, "x") || slices.Contains(parts, "X"))
}

// Range is what versions are to be. The zero value is every version, also one that cannot be compared.
type Range struct{ constraints *semver.Constraints }

// ParseRange reads a range; "" is every version.
func ParseRange(s string) (Range, error) {
	switch {
	case s == "":
		return Range{}, nil
	case len(s) > maxRange:
		return Range{}, fmt.Errorf("version range %.20q… has more than %d characters", s, maxRange)
	}
	c, err := semver.NewConstraint(s)
	if err != nil {
		return Range{}, fmt.Errorf("%q is no version range such as 1.x, \">=1.2 <2\" or 1.4.*", plain.Line(s))
	}
	return Range{c}, nil
}

// Has reports whether the version is in the range.
func (r Range) Has(version string) bool {
	if r.constraints == nil {
		return true
	}
	v := parse(version)
	return v != nil && r.constraints.Check(v)
}
