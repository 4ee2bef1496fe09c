package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
)

// security is what the agent of these tests knows of sealing and signing.
type security struct {
	environment string
	ring        *envelope.Ring
	key         *signed.Key
	api         string         // address of the API
	roots       *x509.CertPool // that verify it
}

func newSecurity(args []string) (*security, error) {
	s := &security{}
	if len(args) > 1 {
		s.environment = args[1]
		text, err := os.ReadFile(args[0] + ".ring")
		if err == nil {
			ring, err := envelope.ParseRing(text)
			s.ring = &ring
			return s.trust(args, err)
		}
		ring, err := envelope.NewRing(time.Now())
		if err != nil {
			return nil, err
		}
		s.ring = &ring
		if err := os.WriteFile(args[0]+".ring", ring.Encode(), 0o600); err != nil {
			return nil, err
		}
		return s.trust(args, os.WriteFile(args[0]+".pin", []byte(ring.Current().Fingerprint().String()), 0o600))
	}
	return s, nil
}

func (s *security) trust(args []string, err error) (*security, error) {
	if err != nil || len(args) < 3 {
		return s, err
	}
	k, err := signature.ReadPublicKey(args[2])
	s.key = &signed.Key{Name: "operator", ID: signed.KeyID(k.ID), Public: k.Key[:]}
	return s, err
}

func (s *security) statement(xid wire.ServerXID, identity tls.Certificate) (string, error) {
	if s.ring == nil {
		return "", nil
	}
	st, err := envelope.State(*s.ring, xid, s.environment, identity, time.Now())
	if err != nil {
		return "", err
	}
	text, err := st.MarshalText()
	return string(text), err
}

// check opens an order's sealed parameters and verifies its signature. The file "opened" has the
// password then.
func (s *security) check(m *wire.Order) error {
	if s.key != nil {
		sig, err := signed.Parse(m.Signature)
		if err == nil {
			_, err = signed.Verify(m, sig, s.environment, []signed.Key{*s.key}, time.Now())
		}
		if err != nil {
			return err
		}
	}
	for name, value := range m.Params {
		if !envelope.IsSealed(value) {
			continue
		}
		if s.ring == nil {
			return fmt.Errorf("parameter %q is sealed", name)
		}
		clear, err := s.ring.Open(envelope.Binding{Environment: s.environment, Order: m.Order, Parameter: name}, value)
		if err != nil {
			return err
		}
		if err := errors.Join(os.WriteFile("opened.new", append(clear, '\n'), 0o600), os.Rename("opened.new", "opened")); err != nil {
			return err
		}
	}
	return nil
}
