package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// Layer names where a value came from.
type Layer string

// The layers, weakest first.
const (
	FromDefault     Layer = "default"
	FromFile        Layer = "file"
	FromEnvironment Layer = "environment"
	FromBundle      Layer = "bundle" // what a host is enrolled with
	FromFlag        Layer = "flag"
)

// Origin is where one value came from.
type Origin struct {
	Layer Layer
	Name  string // path of the file, name of the variable or of the flag
}

func (o Origin) String() string { return strings.TrimSpace(string(o.Layer) + " " + o.Name) }

// Origins say for each setting, by name, which layer its value came from.
type Origins map[string]Origin

// Options say where to load settings from; the zero value gives the defaults.
type Options struct {
	File string // settings.yaml; "" or a missing file is an empty one
	// Keystore is a file that exists only on an enrolled host: if it exists and File does not,
	// loading fails. "" skips that check.
	Keystore  string
	Env       []string          // KEY=value as in os.Environ
	Bundle    map[string]string // of a bundle, by setting name; an empty text sets nothing
	Overrides map[string]string // flags that were given, by setting name; "" sets the default
	// Unseal opens secrets that the keychain sealed; nil leaves them sealed.
	Unseal func(name, sealed string) (string, error)
}

// Load merges the layers. If values are wrong it returns a *[ValueError] or *[UnknownKeyError] for
// each of them, joined.
func Load(o Options) (Settings, Origins, error) {
	if err := o.there(); err != nil {
		return Settings{}, nil, err
	}
	fromFile, err := readFile(o.File)
	if err != nil {
		return Settings{}, nil, err
	}
	return assemble(fromFile, o)
}

// assemble is [Load] with the content of the file given.
func assemble(fromFile map[string]any, o Options) (Settings, Origins, error) {
	var s Settings
	fromEnv, err := readEnv(o.Env)
	if err != nil {
		return s, nil, err
	}
	l := loader{values: koanf.New(delim), origins: Origins{}}
	for _, s := range All {
		l.origins[s.Name] = Origin{Layer: FromDefault}
	}
	l.merge(defaults(), func(Setting) Origin { return Origin{Layer: FromDefault} })
	l.merge(fromFile, func(Setting) Origin { return Origin{FromFile, strconv.Quote(o.File)} })
	l.merge(fromEnv, func(s Setting) Origin { return Origin{FromEnvironment, s.Env()} })
	l.merge(anyMap(o.Bundle), func(Setting) Origin { return Origin{Layer: FromBundle} })
	fromFlag := func(s Setting) Origin { return Origin{FromFlag, "--" + s.Name} }
	l.merge(anyMap(o.Overrides), fromFlag)
	l.empty(o.Overrides, fromFlag)
	if err := errors.Join(l.errs...); err != nil {
		return s, nil, err
	}
	if err := l.unseal(o.Unseal); err != nil {
		return s, nil, err
	}
	if err := l.values.Unmarshal("", &s); err != nil {
		return s, nil, fmt.Errorf("loading settings: %w", err)
	}
	s.APIURL = strings.TrimRight(s.APIURL, "/")
	return s, l.origins, nil
}

// delim occurs in no key: settings are flat, and a nested map in the file must be reported as an
// unknown key.
const delim = "\x00"

type loader struct {
	values  *koanf.Koanf
	origins Origins
	errs    []error
}

// merge adds one layer, which wins over those before it.
func (l *loader) merge(layer map[string]any, origin func(Setting) Origin) {
	texts, errs := check(layer, origin)
	l.errs = append(l.errs, errs...)
	typed := make(map[string]any, len(texts))
	for name, text := range texts {
		s, _ := Lookup(name)
		typed[name], _ = s.Parse(text) // check did so before
		l.origins[name] = origin(s)
	}
	if err := l.values.Load(confmap.Provider(typed, ""), nil); err != nil {
		l.errs = append(l.errs, fmt.Errorf("loading settings: %w", err))
	}
}

// empty sets the default for flags that were given without a value: a person who types
// "--proxyHost=" means it. An empty variable sets nothing, because it may come from a script
// ("TCENVSVR_PROXYHOST=$PROXY"); nor does an empty key of the file.
func (l *loader) empty(flags map[string]string, origin func(Setting) Origin) {
	fallback := map[string]any{}
	for key, text := range flags {
		s, ok := Lookup(key)
		if !ok || text != "" {
			continue
		}
		l.values.Delete(s.Name)
		l.origins[s.Name] = origin(s)
		if s.Default != "" {
			fallback[s.Name], _ = s.Parse(s.Default) // a test parses all of them
		}
	}
	if err := l.values.Load(confmap.Provider(fallback, ""), nil); err != nil {
		l.errs = append(l.errs, fmt.Errorf("loading settings: %w", err))
	}
}

// unseal replaces sealed values by their plain text.
func (l *loader) unseal(unseal func(name, sealed string) (string, error)) error {
	if unseal == nil {
		return nil
	}
	plain := map[string]any{}
	for _, s := range All {
		sealed := l.values.String(s.Name)
		if !s.Secret || !isSealed(sealed) {
			continue
		}
		text, err := unseal(s.Name, sealed)
		if err != nil {
			return fmt.Errorf("opening setting %q (%s): %w", s.Name, l.origins[s.Name], err)
		}
		plain[s.Name] = text
	}
	if err := l.values.Load(confmap.Provider(plain, ""), nil); err != nil {
		return fmt.Errorf("loading settings: %w", err)
	}
	return nil
}

// check returns a layer's values as text under the table's names, without empty ones.
func check(layer map[string]any, origin func(Setting) Origin) (map[string]string, []error) {
	layer = apart(layer)
	texts, seen, errs := map[string]string{}, map[string]string{}, []error(nil)
	for _, key := range slices.Sorted(maps.Keys(layer)) {
		s, ok := Lookup(key)
		if !ok {
			errs = append(errs, Unknown(key, origin(Setting{Name: key})))
			continue
		}
		if first, twice := seen[s.Name]; twice {
			errs = append(errs, fmt.Errorf("setting %q stands twice (%s), as %q and as %q", s.Name, origin(s), first, key))
			continue
		}
		seen[s.Name] = key
		if layer[key] == nil || layer[key] == "" {
			continue
		}
		text, err := s.written(layer[key])
		if err == nil {
			_, err = s.Parse(text)
		}
		if err != nil {
			errs = append(errs, valueError(s, text, err.Error(), origin(s)))
			continue
		}
		texts[s.Name] = text
	}
	return texts, errs
}

// written turns a value that YAML has parsed back into text. It refuses a number where a text is
// wanted, because 007 and 1e3 cannot be turned back.
func (s Setting) written(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		if s.Kind == Switch {
			return strconv.FormatBool(v), nil
		}
	case int:
		if s.Kind == Number || s.Kind == Seconds {
			return strconv.Itoa(v), nil
		}
	}
	switch v.(type) {
	case bool, int, float64:
		if s.Kind == Text {
			return fmt.Sprint(v), errors.New("a text: put it in quotes")
		}
		return fmt.Sprint(v), errors.New(s.Want())
	}
	return "a list or an object", errors.New(s.Want()) // whatever is in it
}

// defaults returns the weakest layer. It holds strings, as a file does.
func defaults() map[string]any {
	m := make(map[string]any, len(All))
	for _, s := range All {
		m[s.Name] = s.Default
	}
	return m
}

func readEnv(environ []string) (map[string]any, error) {
	byEnv := make(map[string]string, len(All))
	for _, s := range All {
		byEnv[s.Env()] = s.Name
	}
	k := koanf.New(delim)
	err := k.Load(env.Provider(delim, env.Opt{
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			return byEnv[strings.ToUpper(name)], value
		},
	}), nil)
	if err != nil {
		return nil, fmt.Errorf("reading the environment: %w", err)
	}
	return k.Raw(), nil
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
