package live

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

// rows are what is shown of one kind, by key.
type rows map[string]Row

// of returns the row of a key, and all for "".
func (r rows) of(key string) rows {
	if key == "" {
		return r
	}
	if row, ok := r[key]; ok {
		return rows{key: row}
	}
	return nil
}

// since returns what changed from old to r.
func (r rows) since(old rows) Update {
	var u Update
	for key := range old {
		if _, ok := r[key]; !ok {
			u.Gone = append(u.Gone, key)
		}
	}
	for key, row := range r {
		was, known := old[key]
		changed := row.since(was)
		if len(changed) > 0 || !known {
			if u.Rows == nil {
				u.Rows = map[string]Row{}
			}
			u.Rows[key] = changed
		}
	}
	return u
}

// since returns the fields that differ from those of old, nil where none does.
func (r Row) since(old Row) Row {
	var changed Row
	set := func(field, text string) {
		if changed == nil {
			changed = Row{}
		}
		changed[field] = text
	}
	for field, text := range r {
		if was, ok := old[field]; !ok || was != text {
			set(field, text)
		}
	}
	for field := range old {
		if _, ok := r[field]; !ok {
			set(field, "")
		}
	}
	return changed
}

func (u Update) empty() bool {
	return !u.All && len(u.Rows) == 0 && len(u.Gone) == 0 && u.Problem == ""
}
