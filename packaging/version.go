package packaging

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Released returns the newest version in the changelog.
func Released() (string, error) {
	text, err := embedded.ReadFile("changelog.yaml")
	if err != nil {
		return "", err
	}
	var entries []struct {
		Semver string `yaml:"semver"`
	}
	if err := yaml.Unmarshal(text, &entries); err != nil {
		return "", fmt.Errorf("reading changelog.yaml: %w", err)
	}
	if len(entries) == 0 || entries[0].Semver == "" {
		return "", fmt.Errorf("reading changelog.yaml: it names no version")
	}
	return entries[0].Semver, nil
}

// Prerelease reports whether a version sorts before a release, like 1.2.3-rc.1.
func Prerelease(version string) bool { return strings.Contains(version, "-") }
