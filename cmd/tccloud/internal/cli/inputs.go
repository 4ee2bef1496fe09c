package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// parameters merges --param-file and --param. Errors name parameters and
// files, never values.
func (e *Env) parameters(given []string, file string) (map[string]string, error) {
	params := make(map[string]string)
	if file != "" {
		data, err := e.readFile(file)
		if err == nil {
			err = decodeParams(data, params)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the parameter file %q: %w", file, err)
		}
	}
	for _, p := range given {
		name, value, err := assignment("--param", p)
		if err != nil {
			return nil, err
		}
		params[name] = value
	}
	return params, nil
}

// decodeParams reads a JSON object of names and values. Apps get strings: a
// number or a boolean is taken as it is written.
func decodeParams(data []byte, into map[string]string) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return errors.New("it is not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	for name, v := range object {
		switch v := v.(type) {
		case string:
			into[name] = v
		case json.Number:
			into[name] = v.String()
		case bool:
			into[name] = fmt.Sprint(v)
		default:
			return fmt.Errorf("parameter %q is neither text nor number nor boolean", name)
		}
	}
	return nil
}

// variables reads --kv.
func (e *Env) variables(given []string) (map[string]string, error) {
	kv := make(map[string]string)
	for _, p := range given {
		name, value, err := assignment("--kv", p)
		if err != nil {
			return nil, err
		}
		if !json.Valid([]byte(value)) {
			text, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			value = string(text)
		}
		kv[name] = value
	}
	return kv, nil
}

// assignment reads NAME=VALUE or NAME=@FILE.
func assignment(flag, s string) (name, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		// Not quoted: it may be a secret whose name was forgotten.
		return "", "", usage("run: %s wants NAME=VALUE or NAME=@FILE", flag)
	}
	switch {
	case strings.HasPrefix(value, "@@"):
		return name, value[1:], nil
	case strings.HasPrefix(value, "@"):
		data, err := os.ReadFile(value[1:])
		if err != nil {
			return "", "", fmt.Errorf("reading the value of %s %q: %w", flag, name, err)
		}
		return name, strings.TrimSuffix(string(data), "\n"), nil
	}
	return name, value, nil
}
