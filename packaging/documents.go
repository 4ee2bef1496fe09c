package packaging

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// operators are the documents of the source that administrators read; developers have all of them.
var operators = []string{
	"README.md",
	"agent/README.md", "agent/app/README.md", "agent/app/policy/README.md", "agent/enroll/README.md", "agent/host/README.md",
	"agent/link/README.md", "agent/secret/README.md", "agent/settings/README.md",
	"certs/README.md", "cmd/tcenvsvr/README.md", "packaging/README.md", "updater/README.md",
}

// StageDocuments writes what the package has of the documents in the folder source into a stage:
// README.md, and the others below docs.
func StageDocuments(source, stage string) error {
	all, err := documents(source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(stage, "docs"), 0o755); err != nil {
		return fmt.Errorf("staging documents: %w", err)
	}
	for name, text := range all {
		if name != "README.md" {
			name = filepath.Join("docs", name)
		}
		if err := os.WriteFile(filepath.Join(stage, name), text, 0o644); err != nil {
			return fmt.Errorf("staging documents: %w", err)
		}
	}
	return nil
}

// documents returns the documents by their names in one folder: agent/link/README.md is
// agent-link.md. Links lead to these names; what a link to anything else in the source said stays
// as text.
func documents(source string) (map[string][]byte, error) {
	flat := map[string]string{}
	for _, name := range operators {
		flat[name] = flatName(name)
	}
	all := map[string][]byte{}
	for name, to := range flat {
		text, err := os.ReadFile(filepath.Join(source, filepath.FromSlash(name)))
		if err != nil {
			return nil, fmt.Errorf("collecting documents: %w", err)
		}
		all[to] = relink.ReplaceAllFunc(text, func(match []byte) []byte {
			m := relink.FindSubmatch(match)
			target, anchor, hasAnchor := strings.Cut(string(m[2]), "#")
			switch to, ok := flat[path.Join(path.Dir(name), target)]; {
			case target == "" || strings.Contains(target, "://"):
				return match
			case !ok:
				return m[1]
			case hasAnchor:
				return fmt.Appendf(nil, "[%s](%s#%s)", m[1], to, anchor)
			default:
				return fmt.Appendf(nil, "[%s](%s)", m[1], to)
			}
		})
	}
	return all, nil
}

var relink = regexp.MustCompile(`\[([^\]\n]+)\]\(([^)\s]+)\)`)

func flatName(name string) string {
	if dir := path.Dir(name); dir != "." {
		return strings.ReplaceAll(dir, "/", "-") + ".md"
	}
	return name
}
