package upstream

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// word is the first part of a path after its version: plain, so that the instance cannot read it as
// another word than we do.
var word = regexp.MustCompile(`^[A-Za-z]+$`)

// refused are endpoints that are never passed on, in lower case, and why.
var refused = map[string]string{
	"token":    "it makes tokens that outlive the execution",
	"apps":     "it installs Apps",
	"exchange": "it installs Apps", // version 3; version 2 is the data store
	"job":      "it is about other executions",
	"jobs":     "it is about other executions",
	"logs":     "the log of this execution is not there",
}

// refusal returns why a path is not passed on, "" if it is. The path is escaped and relative to
// tc_api_path.
func refusal(path string) string {
	parts := strings.Split(strings.TrimPrefix(strings.TrimSuffix(path, "/"), "/"), "/")
	if len(parts) < 2 || parts[0] != "v2" && parts[0] != "v3" || !word.MatchString(parts[1]) {
		return "it is no endpoint of version 2 or 3"
	}
	name := strings.ToLower(parts[1])
	if why := refused[name]; why != "" && (name != "exchange" || parts[0] == "v3") {
		return why
	}
	for _, part := range parts {
		decoded, err := url.PathUnescape(part)
		if err != nil || decoded == "" {
			return "it is not a path"
		}
		// What is between slashes in a part (an indicator may be a URL) must not lead up, whoever
		// decodes it, once or twice.
		twice, err := url.PathUnescape(decoded)
		if err != nil {
			twice = decoded
		}
		for _, d := range []string{decoded, twice} {
			steps := strings.FieldsFunc(d, func(r rune) bool { return r == '/' || r == '\\' })
			if slices.ContainsFunc(steps, func(s string) bool { s, _, _ = strings.Cut(s, ";"); return s == "." || s == ".." }) {
				return "it leads up"
			}
			if strings.ContainsFunc(d, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return "it has control characters"
			}
		}
	}
	return ""
}
