package queue

import (
	"slices"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// Takers are the servers that may take an order; the zero value: all of its Environment.
type Takers struct {
	Server wire.ServerXID // the only one; "" = any
	Keys   []string       // they open what is sealed with one of these; nil = nothing is sealed
}

// TakersOf are those of a record's order.
func TakersOf(r *record.Record) Takers { return Takers{r.Only, r.SealedTo} }

// Have reports whether a server that opens these keys is one of them.
func (t Takers) Have(server wire.ServerXID, opens []string) bool {
	return (t.Server == "" || t.Server == server) &&
		(t.Keys == nil || slices.ContainsFunc(t.Keys, func(k string) bool { return slices.Contains(opens, k) }))
}

// lane is the name of the lane in which their orders wait.
func (t Takers) lane() string { return string(t.Server) + "\n" + strings.Join(t.Keys, "\n") }
