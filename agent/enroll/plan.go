package enroll

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/settings"
)

// Errors that callers tell apart.
var (
	// ErrIdentity means that the parts are of different servers.
	ErrIdentity = errors.New("not the same server")
	// ErrOther means that this host is another server already.
	ErrOther = errors.New("this host is enrolled as another server")
	// ErrExpired means that the certificate is not valid now.
	ErrExpired = errors.New("the client certificate is not valid now")
)

// Offer is what a person enrolls with: settings, and a keystore with its password; either may be
// missing.
type Offer struct {
	Settings map[string]string // of the bundle, by name; keystorePassword opens Keystore
	Flags    map[string]string // what wins over them, "" for the default
	Keystore []byte
}

// TakeUnknown removes the settings that this version does not know, and returns their names: a newer
// cloud may have them, and must not keep an older server out.
func (o *Offer) TakeUnknown() []string {
	var names []string
	for name := range o.Settings {
		if _, known := settings.Lookup(name); !known {
			names = append(names, name)
			delete(o.Settings, name)
		}
	}
	slices.Sort(names)
	return names
}

// Current is the host's present enrollment; the zero value is a host that was never enrolled.
type Current struct {
	Settings settings.Settings  // with its secrets
	Load     settings.Options   // how they were loaded
	Identity *identity.Identity // nil without a keystore
}

// Change is one setting that gets another value. It does not show secrets.
type Change struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Plan is an enrollment whose parts fit together.
type Plan struct {
	Changes  []Change
	Settings settings.Settings // as they will be after Commit
	Replaces string            // serverXid that is given up, "" = none

	Certificate tls.Certificate
	CAs         []*x509.Certificate // of the cloud

	values   map[string]string // to be stored
	keystore []byte            // to be stored, nil keeps the one that is there
}

// New checks that the offer fits together and to this host.
func New(c Current, o Offer) (*Plan, error) {
	p := &Plan{values: settings.Apart(o.Settings)}
	maps.Copy(p.values, settings.Apart(o.Flags))
	password := p.values[bundle.KeystorePassword]
	delete(p.values, bundle.KeystorePassword)
	if err := p.certificate(c, o.Keystore, password); err != nil {
		return nil, err
	}
	name := p.Certificate.Leaf.Subject.CommonName
	switch xid := p.values["serverXid"]; {
	case xid == "":
		p.values["serverXid"] = name
	case xid != name && o.Keystore == nil:
		return nil, fmt.Errorf("%w: this host's certificate is for server %q and the settings are for %q\nhint: take the all-in-one bundle, or give the keystore with --keystore", ErrIdentity, name, xid)
	case xid != name:
		return nil, fmt.Errorf("%w: the certificate is for server %q and the settings are for %q", ErrIdentity, name, xid)
	}
	if old := c.Settings.ServerXID; old != "" && old != name {
		p.Replaces = old
	}
	load := c.Load
	load.Bundle, load.Overrides = p.values, o.Flags
	var err error
	if p.Settings, _, err = settings.Load(load); err != nil {
		return nil, err
	}
	if err := errors.Join(p.Settings.Check(), p.Settings.Enrolled()); err != nil {
		return nil, err
	}
	p.compare(c.Settings)
	return p, nil
}

// certificate opens the offered keystore, or uses the present one.
func (p *Plan) certificate(c Current, keystore []byte, password string) error {
	if keystore == nil {
		if c.Identity == nil {
			return fmt.Errorf("%w: there is no keystore, neither offered nor on this host\nhint: take the all-in-one bundle, or give the keystore with --keystore", settings.ErrNotEnrolled)
		}
		p.Certificate, p.CAs = c.Identity.Current(), c.Identity.CAs()
		return valid(p.Certificate.Leaf)
	}
	var err error
	if p.Certificate, p.CAs, err = bundle.Identity(keystore, password); err != nil {
		return err
	}
	// A password of our own, so that the bundle's password does not open our keystore later.
	p.values[bundle.KeystorePassword] = bundle.NewPassword()
	p.keystore, err = bundle.Keystore(p.Certificate, p.CAs, p.values[bundle.KeystorePassword])
	return errors.Join(err, valid(p.Certificate.Leaf))
}

func valid(c *x509.Certificate) error {
	switch now := time.Now(); {
	case now.After(c.NotAfter):
		return fmt.Errorf("%w: it expired on %s, and this host's clock says %s\nhint: correct the clock; if it is right, make a fresh bundle (\"tccloud bundle ENV --server %s\")",
			ErrExpired, stamp(c.NotAfter), stamp(now), c.Subject.CommonName)
	case now.Before(c.NotBefore):
		return fmt.Errorf("%w: it begins on %s, and this host's clock says %s\nhint: correct the clock; if it is right, the cloud's was wrong when this was made: make a fresh bundle", ErrExpired, stamp(c.NotBefore), stamp(now))
	}
	return nil
}

// stamp is a time in a zone that both have, the certificate and the clock.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// KeepMasterKey adds the file with the master password to what Commit stores.
func (p *Plan) KeepMasterKey(file string) {
	const name = "masterKeyFile"
	p.values[name], p.Settings.MasterKeyFile = file, file
	p.Changes = append(p.Changes, Change{Name: name, New: file})
}

// compare lists what changes.
func (p *Plan) compare(old settings.Settings) {
	for _, row := range settings.All {
		if _, given := p.values[row.Name]; !given {
			continue
		}
		before, after := old.Text(row.Name), p.Settings.Text(row.Name)
		if row.Secret {
			if old.Secret(row.Name).Equal(p.Settings.Secret(row.Name)) {
				continue
			}
			after = p.Settings.Secret(row.Name).String()
		} else if before == after {
			continue
		}
		p.Changes = append(p.Changes, Change{row.Name, before, after})
	}
}

// Commit stores the plan in three steps: the new keystore beside the old one; the settings, whose
// rename is the moment of change; the keystore in its place.
func (p *Plan) Commit(file, keystore string, seal settings.SealFunc) error {
	store := func() error { return settings.Set(file, p.values, seal) }
	if p.keystore == nil {
		return store()
	}
	return identity.Replace(keystore, p.keystore, store)
}
