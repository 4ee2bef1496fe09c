package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/plainfile"
)

// maxState bounds the file that remembers what runs left, as the cloud does.
const maxState = 64 << 10

// errState says what a file with what runs left has to be. Nothing of it is quoted: it may be secret.
var errState = fmt.Errorf("it is no JSON object of texts of at most %d KiB", maxState>>10)

// readState returns what earlier runs left, nothing if there is no such file yet.
func readState(file string) (map[string]string, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|plainfile.NoWait, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what earlier runs left: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, maxState+1))
	}
	var left map[string]string
	if err == nil {
		left, err = parseState(data)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what earlier runs left, %q: %w", file, err)
	}
	return left, nil
}

func parseState(data []byte) (map[string]string, error) {
	left := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); len(data) > maxState || err != nil || t != json.Delim('{') {
		return nil, errState
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errState
		}
		value, err := d.Token()
		text, ok := value.(string)
		if _, twice := left[name.(string)]; err != nil || !ok || twice { // names of an object are texts
			return nil, errState
		}
		left[name.(string)] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, errState
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errState
	}
	return left, nil
}

// writeState adds what a run left to what earlier ones did. After a crash the file is as before, or
// as it should be.
func writeState(file string, before, left map[string]string) error {
	all := maps.Clone(before)
	maps.Copy(all, left)
	data, err := json.MarshalIndent(all, "", "  ")
	if err == nil && len(data) >= maxState {
		err = errState
	}
	if err == nil {
		err = atomicfile.WriteFile(file, append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("keeping what the run left: %w", err)
	}
	return nil
}

// carry adds what earlier runs left to the parameters, as the cloud does for a Job: it wins over what
// was given, and what the App has no parameter for is passed over.
func carry(m tcx.Manifest, params, left map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, params)
	for _, p := range m.Params {
		if value, ok := left[p.Name]; ok {
			all[p.Name] = value
		}
	}
	return all
}
