package live

import "strings"

// Snapshot is what can be followed: rows by kind and key.
type Snapshot map[string]map[string]Row

// Row is what is shown of one thing, by field. Values are plain text.
type Row map[string]string

// Update is what a browser gets: all rows of its topic, or those that changed.
type Update struct {
	All  bool           `json:"all,omitempty"`  // Rows are all that there are
	Rows map[string]Row `json:"rows,omitempty"` // by key; of a row that changed the fields that did
	Gone []string       `json:"gone,omitempty"` // keys
	// Problem is why what is shown is not up to date.
	Problem string `json:"problem,omitempty"`
}

// of returns the rows of a topic.
func (s Snapshot) of(topic string) map[string]Row {
	kind, key, one := strings.Cut(topic, "/")
	rows := s[kind]
	if !one {
		return rows
	}
	if row, ok := rows[key]; ok {
		return map[string]Row{key: row}
	}
	return nil
}

// since returns what changed from old to s in a topic.
func (s Snapshot) since(old Snapshot, topic string) Update {
	var u Update
	before, now := old.of(topic), s.of(topic)
	for key := range before {
		if _, ok := now[key]; !ok {
			u.Gone = append(u.Gone, key)
		}
	}
	for key, row := range now {
		was, known := before[key]
		changed := Row{}
		for field, text := range row {
			if old, ok := was[field]; !ok || old != text {
				changed[field] = text
			}
		}
		for field := range was {
			if _, ok := row[field]; !ok {
				changed[field] = ""
			}
		}
		if len(changed) > 0 || !known {
			if u.Rows == nil {
				u.Rows = map[string]Row{}
			}
			u.Rows[key] = changed
		}
	}
	return u
}

func (u Update) empty() bool {
	return !u.All && len(u.Rows) == 0 && len(u.Gone) == 0 && u.Problem == ""
}
