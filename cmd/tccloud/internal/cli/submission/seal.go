package submission

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// ReadTrust reads CA certificates from PEM files, and fingerprints.
func ReadTrust(files, pins []string) (envelope.Trust, error) {
	var t envelope.Trust
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return t, fmt.Errorf("reading whom to trust: %w", err)
		}
		before := len(t.CAs)
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				continue
			}
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return t, fmt.Errorf("reading whom to trust: %q: %w", name, err)
			}
			t.CAs = append(t.CAs, c)
		}
		if len(t.CAs) == before {
			return t, fmt.Errorf("reading whom to trust: %q holds no PEM certificate", name)
		}
	}
	for _, pin := range pins {
		f, err := envelope.ParseFingerprint(pin)
		if err != nil {
			return t, fmt.Errorf("reading whom to trust: %w", err)
		}
		t.Pins = append(t.Pins, f)
	}
	return t, nil
}

// Recipient is a server that opens what is sealed.
type Recipient struct {
	Server      wire.ServerXID `json:"server"`
	Name        string         `json:"name"`
	Fingerprint string         `json:"fingerprint"`
	key         envelope.PublicKey
}

// Skipped is a server that does not.
type Skipped struct {
	Server wire.ServerXID `json:"server"`
	Name   string         `json:"name"`
	Why    string         `json:"why"`
}

// Recipients are the servers whose sealing keys t trusts, and the others with the reason. It fails
// if there is none to seal to.
func Recipients(list []v1.Statement, t envelope.Trust, environment string, now time.Time) (to []Recipient, not []Skipped, err error) {
	for _, s := range list {
		key, err := verify(s, t, environment, now)
		if err != nil {
			not = append(not, Skipped{s.Server, s.Name, err.Error()})
			continue
		}
		if !slices.ContainsFunc(to, func(r Recipient) bool { return r.key.Fingerprint() == key.Fingerprint() }) {
			to = append(to, Recipient{s.Server, s.Name, key.Fingerprint().String(), key})
		}
	}
	switch {
	case len(to) > 0:
		return to, not, nil
	case len(not) == 0:
		return nil, nil, fmt.Errorf("environment %q has no servers to seal to", environment)
	}
	var why []string
	for _, s := range not {
		why = append(why, fmt.Sprintf("%s: %s", s.Name, s.Why))
	}
	return nil, not, fmt.Errorf("environment %q has no server to seal to (%s)", environment, strings.Join(why, "; "))
}

var errNoStatement = errors.New("it has not stated a sealing key: it was not connected yet with a version that does")

func verify(s v1.Statement, t envelope.Trust, environment string, now time.Time) (envelope.PublicKey, error) {
	if s.Statement == "" {
		return envelope.PublicKey{}, errNoStatement
	}
	var st envelope.Statement
	if err := st.UnmarshalText([]byte(s.Statement)); err != nil {
		return envelope.PublicKey{}, err
	}
	if st.Server() != s.Server {
		return envelope.PublicKey{}, fmt.Errorf("the statement is of server %q", st.Server())
	}
	return st.Verify(t, environment, now)
}

// Seal puts sealed values in the place of clear ones. The binding is theirs but for the parameter.
func Seal(params map[string]string, names []string, to []Recipient, at envelope.Binding) error {
	keys := make([]envelope.PublicKey, len(to))
	for i, r := range to {
		keys[i] = r.key
	}
	for _, name := range names {
		value, ok := params[name]
		if !ok {
			return fmt.Errorf("parameter %q is to be sealed and was not given", name)
		}
		at.Parameter = name
		text, err := envelope.Seal(keys, at, []byte(value))
		if err != nil {
			return err
		}
		params[name] = text
	}
	return nil
}

// Secrets are the given parameters that an App declares as secret, by name.
func Secrets(app v1.App, given map[string]string) []string {
	var names []string
	for _, p := range app.Params {
		if _, ok := given[p.Name]; ok && p.Encrypt {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}
