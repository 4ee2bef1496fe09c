package operator

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"tcenvsvr/agent/link/wire"
)

// AddLimits adds the flags of what an App may take.
func AddLimits(f *pflag.FlagSet, l *wire.Limits) {
	f.Var((*memory)(&l.MemoryMB), "memory", "most memory of the App with all that it starts, as 512M or 2G (default what the server's settings say)")
	f.Var(&count{&l.Tasks, wire.MinTasks, wire.MaxTasks}, "tasks", "most processes and threads of the App (default what the server's settings say)")
	f.Var(&count{&l.CPUWeight, 1, wire.MaxCPUWeight}, "cpu-weight", "the App's share of the CPU against other Apps, 1 to 10000, 100 is usual")
}

// AddServer adds the flag that chooses one server of an Environment.
func AddServer(f *pflag.FlagSet, xid *wire.ServerXID) {
	f.Var((*serverXID)(xid), "server", "XID of the one server that may run it (default any of the Environment)")
}

type serverXID wire.ServerXID

func (x *serverXID) Type() string   { return "XID" }
func (x *serverXID) String() string { return string(*x) }

// Set takes the empty text as well: any server.
func (x *serverXID) Set(text string) error {
	if text != "" && !wire.ServerXID(text).Valid() {
		return errors.New("want the XID of a server, as \"tccloud server list\" shows it")
	}
	*x = serverXID(text)
	return nil
}

// memory is a flag whose value is MiB.
type memory int64

func (m *memory) Type() string { return "SIZE" }

func (m *memory) String() string {
	if *m == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*m), 10) + "M"
}

// Set takes a whole number with a unit. Without one it would be bytes for some, and megabytes for
// others.
func (m *memory) Set(text string) error {
	digits, unit := text, int64(0)
	for _, u := range []struct {
		name string
		mb   int64
	}{{"MiB", 1}, {"GiB", 1 << 10}, {"M", 1}, {"G", 1 << 10}} {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			digits, unit = rest, u.mb
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || unit == 0 || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%.40q is no size: write 512M or 2G", text)
	}
	if n *= unit; n < wire.MinMemoryMB || n > wire.MaxMemoryMB {
		return fmt.Errorf("%.40q is outside %dM–%dM", text, wire.MinMemoryMB, wire.MaxMemoryMB)
	}
	*m = memory(n)
	return nil
}

// count is a flag whose value is a number in bounds; 0 is not given.
type count struct {
	n           *int64
	least, most int64
}

func (c *count) Type() string { return "N" }

func (c *count) String() string {
	if c.n == nil || *c.n == 0 {
		return ""
	}
	return strconv.FormatInt(*c.n, 10)
}

// Set takes a whole number.
func (c *count) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < c.least || n > c.most {
		return fmt.Errorf("%.40q is outside %d–%d", text, c.least, c.most)
	}
	*c.n = n
	return nil
}
