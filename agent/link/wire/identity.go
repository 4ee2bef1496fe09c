package wire

import "fmt"

// Kinds about a server's identity.
const (
	KindProbed  Kind = "probed"
	KindRenew   Kind = "renew"
	KindRenewed Kind = "renewed"
)

// MaxCertificate bounds a certificate or a request for one, in bytes of its DER form.
const MaxCertificate = 8 << 10

// Probed answers a [Hello] with Probe that would have opened a session. None was opened; the sender
// closes after it.
type Probed struct {
	Environment string `json:"environment"` // name of the server's Environment
	ServerTime  int64  `json:"server_time"` // Unix milliseconds; only to show the skew
	// InUse answers [Hello.Leave] if the server was not revoked because another host is connected
	// as this server: that host's name and address, ≤ 512 bytes.
	InUse string `json:"in_use,omitempty"`
	// SealKey answers [Hello.SealKey]: the cloud keeps the statement.
	SealKey bool `json:"seal_key,omitempty"`
}

// Kind implements Message.
func (*Probed) Kind() Kind { return KindProbed }

func (m *Probed) validate() error {
	if len(m.Environment) > 256 || len(m.InUse) > 512 {
		return fmt.Errorf("%w: environment of %d and in_use of %d bytes", ErrInvalid, len(m.Environment), len(m.InUse))
	}
	return nil
}

// Renew asks for a new client certificate, where Welcome.Renews is set. The key is the agent's own
// and never travels.
type Renew struct {
	Request []byte `json:"request"` // PKCS#10, DER
	// Newest is the digest of the newest certificate that the agent has stored. The cloud accepts
	// that one and the one it issues now, and may forget older ones.
	Newest SHA256 `json:"newest"`
}

// Kind implements Message.
func (*Renew) Kind() Kind { return KindRenew }

func (m *Renew) validate() error {
	switch {
	case len(m.Request) == 0 || len(m.Request) > MaxCertificate:
		return fmt.Errorf("%w: request of %d bytes", ErrInvalid, len(m.Request))
	case !m.Newest.Valid():
		return fmt.Errorf("%w: newest %.70q is no digest", ErrInvalid, string(m.Newest))
	}
	return nil
}

// Renewed answers Renew. Either Certificate is set, or Problem says why not.
type Renewed struct {
	Certificate []byte `json:"certificate,omitempty"` // DER
	Problem     string `json:"problem,omitempty"`     // for people, ≤ MaxText bytes
}

// Kind implements Message.
func (*Renewed) Kind() Kind { return KindRenewed }

func (m *Renewed) validate() error {
	if len(m.Certificate) > MaxCertificate || len(m.Problem) > MaxText || (len(m.Certificate) == 0) == (m.Problem == "") {
		return fmt.Errorf("%w: renewed with a certificate of %d and a problem of %d bytes", ErrInvalid, len(m.Certificate), len(m.Problem))
	}
	return nil
}
