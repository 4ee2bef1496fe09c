package settings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/filelock"
)

// A SealFunc turns the plain text of a setting into ENC[…].
type SealFunc func(name, plain string) (string, error)

// lockWait is how long Set waits for others; each holds the file for
// milliseconds.
const lockWait = 10 * time.Second

// A Judge says why settings must not become what they would; its error is returned.
type Judge func(before, after Settings) error

// Set changes some values in the file and keeps the others; an empty value
// removes the key, so that the default applies again. It refuses what Load would
// refuse and then leaves the file as it was. Comments are not kept.
//
// With seal every secret in the file is sealed, those that stood there
// plainly as well; without it they are stored as they come. Processes that
// change the same file take turns, so that none undoes what another did.
func Set(file string, changes map[string]string, seal SealFunc) error {
	return Change(Options{File: file}, changes, seal, nil)
}

// Change is Set for the file of o, with a judge, who may be nil and sees the
// settings as o would load them; secrets that are changed are not sealed yet.
func Change(o Options, changes map[string]string, seal SealFunc, judge Judge) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	release, err := filelock.Wait(ctx, o.File+".lock")
	if err != nil {
		return fmt.Errorf("changing settings: %w", err)
	}
	defer release()
	if err := o.there(); err != nil {
		return err
	}
	old, err := readFile(o.File)
	if err != nil {
		return err
	}
	values, err := changed(o.File, old, changes)
	if err != nil {
		return fmt.Errorf("changing settings: %w", err)
	}
	if judge != nil {
		if err := judged(o, old, values, judge); err != nil {
			return fmt.Errorf("changing settings: %w", err)
		}
	}
	if err := sealAll(values, seal); err != nil {
		return fmt.Errorf("changing settings: %w", err)
	}
	return write(o.File, values)
}

// changed is what will stand in the file.
func changed(file string, old map[string]any, changes map[string]string) (map[string]string, error) {
	values, errs := check(old, func(Setting) Origin { return Origin{FromFile, strconv.Quote(file)} })
	next, wrong := check(anyMap(changes), func(Setting) Origin { return Origin{Layer: "new value"} })
	if err := errors.Join(append(errs, wrong...)...); err != nil {
		return nil, err
	}
	for key := range changes {
		s, _ := Lookup(key)
		if s.Secret && isSealed(next[s.Name]) {
			return nil, valueError(s, "", "a text that does not begin with "+sealedPrefix, Origin{Layer: "new value"})
		}
		delete(values, s.Name)
	}
	maps.Copy(values, next)
	return values, nil
}

func judged(o Options, old map[string]any, values map[string]string, judge Judge) error {
	before, _, err := assemble(old, o)
	if err != nil {
		return err
	}
	after, _, err := assemble(anyMap(values), o)
	if err != nil {
		return err
	}
	return judge(before, after)
}

func sealAll(values map[string]string, seal SealFunc) error {
	if seal == nil {
		return nil
	}
	for _, s := range All {
		plain := values[s.Name]
		if !s.Secret || plain == "" || isSealed(plain) {
			continue
		}
		sealed, err := seal(s.Name, plain)
		if err != nil {
			return fmt.Errorf("sealing setting %q: %w", s.Name, err)
		}
		values[s.Name] = sealed
	}
	return nil
}

// write makes the file, durably and readable by its owner only. Values have
// been checked.
func write(file string, values map[string]string) error {
	var text bytes.Buffer
	text.WriteString(header)
	for _, s := range All {
		value, ok := values[s.Name]
		if !ok {
			continue
		}
		var v any = value
		if s.Kind != Text {
			v = plain(value)
		}
		line, err := yaml.Parser().Marshal(map[string]any{s.Name: v})
		if err != nil {
			return fmt.Errorf("saving settings: %w", err)
		}
		text.Write(line)
	}
	text.WriteString(trailer)
	if err := atomicfile.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("saving settings: %w", err)
	}
	return nil
}

// plain is a number or a switch as YAML has it without quotes.
func plain(value string) any {
	if n, err := strconv.Atoi(value); err == nil {
		return n
	}
	return strings.EqualFold(value, "true")
}
