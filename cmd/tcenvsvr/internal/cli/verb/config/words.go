package config

import (
	"slices"
	"strings"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
)

// assignments brings what people type after "set" into one form: NAME=VALUE,
// or NAME alone. Two words of which only the first names a setting are a name and
// its value. Errors quote no word that may be a secret.
func assignments(words []string) ([]string, error) {
	if len(words) == 2 && isName(words[0]) && !names(words[1]) && !strings.HasPrefix(words[1], "=") {
		return []string{words[0] + "=" + words[1]}, nil
	}
	for i, word := range words {
		name, _, assigned := strings.Cut(word, "=")
		switch {
		case assigned && name == "":
			return nil, cli.Usage("a word begins with \"=\"\nhint: write NAME=VALUE without spaces around the =")
		case names(word):
			continue
		case i > 0 && isName(strings.TrimSuffix(words[i-1], "=")):
			before := strings.TrimSuffix(words[i-1], "=")
			return nil, cli.Usage("%s is followed by a word that names no setting\nhint: to change several settings at once, write %s=VALUE without spaces, in quotes where the value has any", before, before)
		case !assigned && slices.ContainsFunc(words, namesSecret):
			return nil, cli.Usage("word %d names no setting\nhint: %s", i+1, writing)
		}
	}
	return words, nil
}

// writing is how values are written.
const writing = `a value is written "tcenvsvr settings set NAME VALUE" or NAME=VALUE; "tcenvsvr settings show" lists the names`

// valueFiles are the files that words name as @FILE.
func valueFiles(words []string) (files []string) {
	words, err := assignments(words)
	if err != nil {
		return nil // said later
	}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		if file, is := strings.CutPrefix(text, "@"); is && isName(name) {
			files = append(files, file)
		}
	}
	return files
}

// names reports whether a word begins with the name of a setting, alone or
// before a =.
func names(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	return isName(name)
}

func isName(word string) bool {
	_, ok := settings.Lookup(word)
	return ok
}

func namesSecret(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	s, ok := settings.Lookup(name)
	return ok && s.Secret
}
