package settings

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"

	"tcenvsvr/agent/atomicfile"
)

// Set changes some values in the file and keeps the others; an empty value
// removes the key, so that the default applies again. It refuses what Load would
// refuse and then leaves the file as it was. Comments are not kept.
func Set(file string, changes map[string]string) error {
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
		delete(values, s.Name)
	}
	maps.Copy(values, changed)
	return write(file, values)
}

// Save replaces the file by these values, by setting name. Empty ones are
// left out.
func Save(file string, values map[string]string) error {
	values, errs := check(anyMap(values), func(Setting) Origin { return Origin{Layer: "new value"} })
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("saving settings: %w", err)
	}
	return write(file, values)
}

// write makes the file, durably and readable by its owner only. Values have
// been checked.
func write(file string, values map[string]string) error {
	var text bytes.Buffer
	text.WriteString("# Settings of the Environment Server; README explains each.\n")
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
