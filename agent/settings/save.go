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
	"tcenvsvr/agent/secret/privatefile"
)

// A SealFunc turns the plain text of a setting into ENC[…].
type SealFunc func(name, plain string) (string, error)

// lockWait is how long [Set] waits for other processes; each holds the file for milliseconds.
const lockWait = 10 * time.Second

// A Veto returns an error if settings must not change from before to after.
type Veto func(before, after Settings) error

// Set changes some values in the file and keeps the others; an empty value removes the key, so that
// the default applies again. It refuses values that [Load] would refuse, and then leaves the file
// as it was. What it writes has every setting in its place with what it means, those that are not
// set as a comment; comments of others are not kept.
//
// With seal it seals every secret in the file, also those that stood there in plain text; without
// seal it stores them as they are. Processes that change the same file take turns, so that none
// overwrites another's change.
func Set(file string, changes map[string]string, seal SealFunc) error {
	return Change(Options{File: file}, changes, seal, nil)
}

// Change is [Set] for the file of o. It asks veto, which may be nil, with the settings as o loads
// them; changed secrets are not sealed yet then.
func Change(o Options, changes map[string]string, seal SealFunc, veto Veto) error {
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
	if veto != nil {
		if err := ask(o, old, values, veto); err != nil {
			return fmt.Errorf("changing settings: %w", err)
		}
	}
	if err := sealAll(values, seal); err != nil {
		return fmt.Errorf("changing settings: %w", err)
	}
	return write(o.File, values)
}

// changed returns the new content of the file.
func changed(file string, old map[string]any, changes map[string]string) (map[string]string, error) {
	values, errs := check(old, func(Setting) Origin { return Origin{FromFile, strconv.Quote(file)} })
	next, wrong := check(anyMap(changes), func(Setting) Origin { return Origin{Layer: "new value"} })
	if err := errors.Join(append(errs, wrong...)...); err != nil {
		return nil, err
	}
	for key := range apart(anyMap(changes)) {
		s, _ := Lookup(key)
		if s.Secret && isSealed(next[s.Name]) {
			return nil, valueError(s, "", "a text that does not begin with "+sealedPrefix, Origin{Layer: "new value"})
		}
		delete(values, s.Name)
	}
	maps.Copy(values, next)
	return values, nil
}

func ask(o Options, old map[string]any, values map[string]string, veto Veto) error {
	before, _, err := assemble(old, o)
	if err != nil {
		return err
	}
	after, _, err := assemble(anyMap(values), o)
	if err != nil {
		return err
	}
	return veto(before, after)
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

// write replaces the file, durably, readable by its owner only. Values have been checked.
func write(file string, values map[string]string) error {
	var text bytes.Buffer
	text.WriteString(header)
	for _, s := range All {
		fmt.Fprintf(&text, "\n# %s\n", s.Help)
		value, ok := values[s.Name]
		if !ok {
			text.WriteString(strings.TrimRight(fmt.Sprintf("# %s: %s", s.Name, s.Default), " ") + "\n")
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
	text.WriteString("\n" + trailer)
	if err := atomicfile.WriteFile(file, text.Bytes(), privatefile.Mode); err != nil {
		return fmt.Errorf("saving settings: %w", err)
	}
	return nil
}

// plain returns a value that YAML writes without quotes if it is a number or a switch.
func plain(value string) any {
	if n, err := strconv.Atoi(value); err == nil {
		return n
	}
	return strings.EqualFold(value, "true")
}
