package policy

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// glob reports whether the name fits the pattern: * is any text, ? one character, everything else
// itself. Packages' folders have _ where people write a space, so the two are one. The time is at
// most pattern × name.
func glob(pattern, name string) bool {
	p, n := []rune(strings.ReplaceAll(pattern, " ", "_")), []rune(strings.ReplaceAll(name, " ", "_"))
	i, j := 0, 0
	star, from := -1, 0 // the last *, and where in the name what follows it was last tried
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// versions is one version, or a range.
type versions struct {
	exact  string
	bounds []bound // all must hold
}

type bound struct{ op, version string }

// parseVersions reads "1.0.2", or comparisons with spaces between them.
func parseVersions(text string) (versions, error) {
	var v versions
	if err := printable(text); err != nil {
		return v, err
	}
	if !strings.ContainsAny(text, "<>=") {
		if strings.ContainsAny(text, " ,*^~|") {
			return v, fmt.Errorf("%.80q is no version such as 1.0.2, and no range such as \">=1.2 <2.0\"", text)
		}
		v.exact = text
		return v, nil
	}
	for field := range strings.FieldsSeq(text) {
		b := bound{version: strings.TrimLeft(field, "<>=")}
		b.op = field[:len(field)-len(b.version)]
		switch b.op {
		case "<", "<=", ">", ">=":
		default:
			return v, fmt.Errorf("%.80q: comparisons are <, <=, > and >=, each before its version", text)
		}
		if b.version == "" {
			return v, fmt.Errorf("%.80q: write a comparison without a space before its version", text)
		}
		if !semver.IsValid("v" + b.version) {
			return v, fmt.Errorf("%.80q: %.80q is no version such as 1.2 or 1.2.0", text, b.version)
		}
		v.bounds = append(v.bounds, b)
	}
	return v, nil
}

// match reports whether the version is meant. What cannot be compared, and what only differs in the
// build (1.0.0+7), counts where a rule denies and does not where one allows.
func (v versions) match(version string, deny bool) bool {
	got := "v" + version
	if v.exact != "" {
		want := "v" + v.exact
		return v.exact == version || semver.IsValid(got) && semver.IsValid(want) && semver.Compare(got, want) == 0 &&
			(deny || semver.Build(got) == semver.Build(want))
	}
	if !semver.IsValid(got) {
		return deny
	}
	for _, b := range v.bounds {
		c := semver.Compare(got, "v"+b.version)
		if b.op == "<" && c >= 0 || b.op == "<=" && c > 0 || b.op == ">" && c <= 0 || b.op == ">=" && c < 0 {
			return false
		}
	}
	return true
}
