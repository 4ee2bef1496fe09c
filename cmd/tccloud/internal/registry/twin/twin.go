package twin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
)

const (
	// Fresh is how long a proof counts. An agent that is refused comes back every minute or so.
	Fresh = 10 * time.Minute
	// proofEvery is the shortest time between two records of the same proof.
	proofEvery = time.Minute
	// maxOthers bounds the list; the one seen longest ago goes.
	maxOthers = 8
)

// Host is one start of one installation, as hello describes it.
type Host struct {
	// ID is a digest of the journal, the boot and the machine. Two hosts that run at once have
	// different ones, a restarted agent has the same. It does not reveal what it is made of.
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"` // its host name
	Address string    `json:"address"`        // as the cloud sees it
	Machine string    `json:"machine,omitempty"`
	Boot    string    `json:"boot,omitempty"`
	Seen    time.Time `json:"seen"`
}

// Of returns the host that says hello.
func Of(h *wire.Hello, address string, now time.Time) Host {
	return Host{
		ID:   digest(fmt.Sprintf("%q %q %q", h.Journal, h.BootID, h.MachineID)),
		Name: h.Hostname, Address: address, Machine: digest(h.MachineID), Boot: digest(h.BootID), Seen: now.UTC(),
	}
}

// digest makes a short name of text that must not be shown or copied.
func digest(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// ip is the part of the address that is the same for every connection. It is the only thing that a
// copy of the whole disk cannot imitate.
func (h Host) ip() string {
	if ip, _, err := net.SplitHostPort(h.Address); err == nil {
		return ip
	}
	return h.Address
}

// Same reports whether both have the same address and ID.
func (h Host) Same(o Host) bool { return h.ID == o.ID && h.ip() == o.ip() }

func (h Host) String() string {
	switch {
	case h.Name == "":
		return h.Address
	case h.Address == "":
		return h.Name
	}
	return fmt.Sprintf("%s (%s)", h.Name, h.Address)
}

// Conflict is two or more hosts that run as one server. Its methods work on nil, which is no
// conflict.
type Conflict struct {
	Since  time.Time `json:"since"`
	Proved time.Time `json:"proved"` // when two last ran at once
	Holder Host      `json:"holder"` // the host that had the session then
	Others []Host    `json:"others"` // those that wanted it
	// Kept is the ID of the host that an administrator chose, and KeptIP its address. Until it has
	// renewed its certificate only the address distinguishes it from a copy.
	Kept   string `json:"kept,omitempty"`
	KeptIP string `json:"kept_ip,omitempty"`
}

// Current reports whether the conflict still counts. A proof in the future was made by a wrong
// clock, and counts as old as it is far away.
func (c *Conflict) Current(now time.Time) bool {
	return c != nil && (c.Kept != "" || now.Sub(c.Proved).Abs() < Fresh)
}

// AddProof adds that other said hello while holder had a session that was alive. It returns the
// conflict to store, and false if nothing has to be stored.
func (c *Conflict) AddProof(holder, other Host, now time.Time) (Conflict, bool) {
	if !c.Current(now) {
		return Conflict{Since: now.UTC(), Proved: now.UTC(), Holder: holder, Others: []Host{other}}, true
	}
	n := *c
	n.Others = slices.Clone(c.Others)
	at := slices.IndexFunc(n.Others, other.Same)
	// A host that says hello under new names each time is not recorded each time.
	if known := at >= 0 || len(n.Others) >= maxOthers; known && c.Holder.ID == holder.ID && now.Sub(c.Proved).Abs() < proofEvery {
		return n, false
	}
	if was := c.find(other); at < 0 && was != nil && was.ID != c.Holder.ID && was.ip() == other.ip() { // it was restarted
		at = slices.IndexFunc(n.Others, was.Same)
	}
	if at >= 0 && (!c.kept(n.Others[at]) || other.Same(n.Others[at])) {
		n.Others = slices.Delete(n.Others, at, at+1)
	}
	n.Others = slices.DeleteFunc(n.Others, holder.Same)
	n.Others = append(n.Others, other)
	for over := 0; len(n.Others) > maxOthers; over++ {
		if !c.kept(n.Others[over]) {
			n.Others = slices.Delete(n.Others, over, over+1)
			break
		}
	}
	n.Holder, n.Proved = holder, now.UTC()
	return n, true
}

// find returns which of the hosts h is, or nil. After a restart only the machine tells, if no other
// host has the same.
func (c *Conflict) find(h Host) *Host {
	all := append([]Host{c.Holder}, c.Others...)
	var same, exact *Host
	ambiguous := false
	for i := range all {
		switch {
		case all[i].Same(h):
			return &all[i]
		case all[i].ID == h.ID && exact == nil:
			exact = &all[i]
		case h.Machine == "" || all[i].Machine != h.Machine:
		case same != nil:
			ambiguous = true // a clone with its original's machine id
		default:
			same = &all[i]
		}
	}
	switch {
	case exact != nil:
		return exact
	case ambiguous:
		return nil
	}
	return same
}

// Excludes reports whether h may not have a session although no host has one.
func (c *Conflict) Excludes(h Host, now time.Time) bool {
	if !c.Current(now) {
		return false
	}
	was := c.find(h)
	if c.Kept != "" {
		return was == nil || was.ID != c.Kept || h.ip() != c.KeptIP
	}
	return was != nil && was.ID != c.Holder.ID
}

// kept reports whether h was chosen.
func (c *Conflict) kept(h Host) bool { return c.Kept != "" && h.ID == c.Kept && h.ip() == c.KeptIP }

// Keep chooses a host by its ID, by a prefix of the ID that only one host has, or by ID@ADDRESS,
// because a copy of a host may have its ID.
func (c *Conflict) Keep(id string, now time.Time) (Host, error) {
	if !c.Current(now) {
		return Host{}, fmt.Errorf("there is nothing to choose: no two hosts ran as this server in the last %s", Fresh)
	}
	var found []Host
	begin, ip, at := strings.Cut(id, "@")
	for _, h := range append([]Host{c.Holder}, c.Others...) {
		if begin != "" && strings.HasPrefix(h.ID, begin) && (!at || h.ip() == ip) && !slices.ContainsFunc(found, h.Same) {
			found = append(found, h)
		}
	}
	if len(found) != 1 {
		return Host{}, fmt.Errorf("%.60q names %d of its hosts, want one; write HOST@ADDRESS where two have the same id", id, len(found))
	}
	c.Kept, c.KeptIP = found[0].ID, found[0].ip()
	return found[0], nil
}

// Leave removes the hosts with this boot, which gave the identity up. It returns nil if one host is
// left.
func (c *Conflict) Leave(boot string) *Conflict {
	n := *c
	n.Others = slices.DeleteFunc(slices.Clone(c.Others), func(o Host) bool { return o.Boot == boot })
	if len(n.Others) == 0 {
		return nil
	}
	return &n
}
