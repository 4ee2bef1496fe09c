package inputs

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ParseKV reads Playbook variables as people write them into a form: a line NAME=VALUE for each, where
// VALUE is what --kv takes, or one JSON object of names and values. A VALUE that begins with @ is that
// text: a form names no files.
func ParseKV(text string) (map[string]string, error) {
	kv := map[string]string{}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		err := object([]byte(text), func(name string, raw json.RawMessage) error {
			kv[name] = string(raw)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the Playbook variables: %w", err)
		}
		return kv, nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch _, twice := kv[name]; {
		case strings.TrimSpace(line) == "":
			continue
		case !ok || name == "":
			return nil, fmt.Errorf("a Playbook variable wants a line NAME=VALUE") // not quoted, as in Assign
		case twice:
			return nil, fmt.Errorf("the Playbook variable %.80q is given twice", name)
		}
		kv[name] = asJSON(name, value)
	}
	return kv, nil
}
