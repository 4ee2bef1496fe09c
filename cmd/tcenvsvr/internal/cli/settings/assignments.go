package settings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/internal/prompt"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// assignments brings the words after "set" into one form: NAME=VALUE, or NAME alone. Two words, of
// which only the first names a setting, are a name and its value. Errors do not quote words that
// may be a secret.
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

// writing is the hint for how values are written.
const writing = `a value is written "tcenvsvr settings set NAME VALUE" or NAME=VALUE; "tcenvsvr settings show" lists the names`

// ValueFiles returns the files that words name as @FILE.
func ValueFiles(words []string) (files []string) {
	words, err := assignments(words)
	if err != nil {
		return nil // set reports the error
	}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		if file, is := strings.CutPrefix(text, "@"); is && isName(name) {
			files = append(files, file)
		}
	}
	return files
}

// names reports whether a word begins with the name of a setting, alone or before a "=".
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

// ReadChanges returns the new values by the settings' names. A NAME alone is asked for, or read
// from standard input.
func ReadChanges(ctx context.Context, e *env.Env, args []string) (map[string]string, error) {
	changes := map[string]string{}
	asked := ""
	for _, arg := range args {
		key, text, given := strings.Cut(arg, "=")
		s, err := lookup(key)
		if unknown, ok := errors.AsType[*settings.UnknownKeyError](err); ok && !given && unknown.Nearest == "" {
			return nil, fmt.Errorf("%w\nhint: %s", err, writing)
		}
		if err != nil {
			return nil, err
		}
		if _, twice := changes[s.Name]; twice {
			return nil, cli.Usage("setting %q is given twice", s.Name)
		}
		switch file, isFile := strings.CutPrefix(text, "@"); {
		case isFile:
			text, err = readFile(e, s, file)
		case !given && asked != "" && !(prompt.Prompt{In: e.Stdin}).OnTerminal():
			return nil, cli.Usage("standard input has one value, for %q; give %q as %s=@FILE", asked, s.Name, s.Name)
		case !given:
			asked = s.Name
			text, err = ask(ctx, e, s)
		case s.Secret && text != "":
			return nil, cli.Usage("setting %q is secret and others can read command lines\nhint: give it as %s=@FILE, or type %s alone to be asked for it", s.Name, s.Name, s.Name)
		case settings.Apart(map[string]string{s.Name: text})["proxyPassword"] != "":
			return nil, cli.Usage("%s has a password in it and others can read command lines\nhint: give it as %s=@FILE, or type %s alone to be asked for it", s.Name, s.Name, s.Name)
		}
		if err != nil {
			return nil, err
		}
		changes[s.Name] = text
	}
	return settings.Apart(changes), nil
}

// readFile reads a value from a file, without the line break that editors put at its end.
func readFile(e *env.Env, s settings.Setting, file string) (string, error) {
	f, err := e.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading setting %q: %w", s.Name, err)
	}
	defer f.Close()
	return readValue(s, f)
}

func readValue(s settings.Setting, r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, settings.MaxText+3))
	if err != nil {
		return "", fmt.Errorf("reading setting %q: %w", s.Name, err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

func ask(ctx context.Context, e *env.Env, s settings.Setting) (string, error) {
	p := prompt.Prompt{In: e.Stdin, Out: e.Stderr}
	if !p.OnTerminal() {
		text, err := readValue(s, e.Stdin)
		if err == nil && text == "" {
			err = cli.Usage("setting %q: its value is missing, and standard input has none\nhint: write %s=VALUE; %[2]s= empties it", s.Name, s.Name)
		}
		return text, err
	}
	question := p.Line
	if s.Secret {
		question = p.Secret
	}
	text, err := question(ctx, s.Name+": ")
	if err != nil {
		return "", fmt.Errorf("asking for setting %q: %w", s.Name, err)
	}
	return text, nil
}
