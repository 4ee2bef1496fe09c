package server

import (
	"fmt"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// twins returns the hosts that run as s, as pairs for cli.Facts.
func twins(s v1.Server) []any {
	c := s.Twin
	if c == nil {
		return nil
	}
	var pairs []any
	row := func(role string, h twin.Host) {
		if s.Session != nil && s.Session.Host == h.ID {
			role = "has the session"
		}
		if h.ID == c.Kept {
			role += ", chosen, renews its certificate"
		}
		// The cloud saw the address; a copy of the host can report the rest as well.
		pairs = append(pairs, "host "+h.ID, fmt.Sprintf("%s, at %s, last hello %s; it calls itself %q, machine %s, boot %s", role, h.Address, operator.Time(h.Seen), h.Name, h.Machine, h.Boot))
	}
	pairs = append(pairs, "CONFLICT", fmt.Sprintf("%d hosts run as this server since %s, last seen at once %s", 1+len(c.Others), operator.Time(c.Since), operator.Time(c.Proved)))
	row("had the session", c.Holder)
	for _, o := range c.Others {
		row("refused", o)
	}
	if c.Kept == "" {
		pairs = append(pairs, "to decide", fmt.Sprintf("\"tccloud server keep %s HOST\" for the one that is to stay; on another \"tcenvsvr unenroll\", then enroll it with a bundle of its own", s.XID))
	}
	return pairs
}
