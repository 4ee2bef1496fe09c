package wire

import "fmt"

// Update is the state of self-update on a server; it is part of [Info].
type Update struct {
	Mode   string `json:"mode"`             // self, notify, package or off
	Phase  string `json:"phase"`            // idle, downloading, waiting, applied, trying, good, rolled_back, refused …
	Wanted string `json:"wanted,omitempty"` // version that the server updates to
	Failed string `json:"failed,omitempty"` // newest version that failed on this host
	Reason string `json:"reason,omitempty"` // why it failed or was refused, in short
}

func (u *Update) validate() error {
	if u == nil {
		return nil
	}
	for _, field := range []string{u.Mode, u.Phase, u.Wanted, u.Failed, u.Reason} {
		if len(field) > 512 {
			return fmt.Errorf("%w: a field of update is too long", ErrInvalid)
		}
	}
	return nil
}

// WantedRelease is the cloud's answer to a server that asks, by HTTPS, which release it should run.
// The cloud can only name releases that others signed.
type WantedRelease struct {
	Version string `json:"version"`          // "" = keep the running one
	WaitMS  int64  `json:"wait_ms"`          // do not update earlier than this
	Reason  string `json:"reason,omitempty"` // for people: which rule chose it
}
