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

	"tcenvsvr/agent/atomicfile"
	"tcenvsvr/agent/filelock"
)

// A SealFunc turns the plain text of a setting into ENC[…].
type SealFunc func(name, plain string) (string, error)

// lockWait is how long Set waits for others; each holds the file for
// milliseconds.
const lockWait = 10 * time.Second

// Set changes some values in the file and keeps the others; an empty value
// removes the key, so that the default applies again. It refuses what Load would
// refuse and then leaves the file as it was. Comments are not kept.
//
// With seal every secret in the file is sealed, those that stood there
// plainly as well; without it they are stored as they come. Processes that
// change the same file take turns, so that none undoes what another did.
func Set(file string, changes map[string]string, seal SealFunc) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	release, err := filelock.Wait(ctx, file+".lock")
	if err != nil {
		return fmt.Errorf("changing settings: %w", err)
	}
	defer release()
	old, err := readFile(file)
	if err != nil {
		return err
	}
	values, errs := check(old, func(Setting) Origin { return Origin{FromFile, strconv.Quote(file)} })
	changed, wrong := check(anyMap(changes), func(Setting) Origin { return Origin{Layer: "new value"} })
	if err := errors.Join(append(errs, wrong...)...); err != nil {
		return fmt.Errorf("changing settings: %w", err)
	}
	for key := range changes {
		s, _ := Lookup(key)
		if s.Secret && isSealed(changed[s.Name]) {
			return fmt.Errorf("changing settings: %w", valueError(s, "", "a text that does not begin with "+sealedPrefix, Origin{Layer: "new value"}))
		}
		delete(values, s.Name)
	}
	maps.Copy(values, changed)
	if err := sealAll(values, seal); err != nil {
		return fmt.Errorf("changing settings: %w", err)
	}
	return write(file, values)
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
	text.WriteString("# Settings of the Environment Server; \"tcenvsvr settings explain KEY\" explains each.\n")
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
