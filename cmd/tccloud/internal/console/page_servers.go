package console

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// serversData is what the page of all servers shows.
type serversData struct {
	Lines       []serverLine
	Environment string // the only one shown, "" = all
	Search      string
	Total       int
}

// serverLine is one server; Row is the part that changes.
type serverLine struct {
	v1.Server
	Row live.Row
}

func loadServers(q *request) (any, error) {
	d := serversData{Environment: q.URL.Query().Get("environment"), Search: strings.TrimSpace(q.URL.Query().Get("q"))}
	list, err := q.cloud.Servers(q.Context(), d.Environment)
	if err != nil {
		return nil, err
	}
	d.Total = len(list)
	if d.Search != "" {
		list = slices.DeleteFunc(list, func(s v1.Server) bool { return !serverMatches(s, d.Search) })
	}
	d.Lines = serverLines(list)
	return d, nil
}

// serverMatches reports whether a server's name, host, address or xid has the text in it.
func serverMatches(s v1.Server, text string) bool {
	all := []string{s.Name, string(s.XID), s.Environment}
	if s.Session != nil {
		all = append(all, s.Session.RemoteAddr, s.Session.Version)
		if s.Session.Info != nil {
			all = append(all, s.Session.Info.Hostname)
		}
	}
	return strings.Contains(strings.ToLower(strings.Join(all, "\n")), strings.ToLower(text))
}

// serverLines sorts what needs attention first, then by name.
func serverLines(list []v1.Server) []serverLine {
	lines := make([]serverLine, 0, len(list))
	for _, s := range list {
		lines = append(lines, serverLine{s, serverRow(s)})
	}
	slices.SortStableFunc(lines, func(a, b serverLine) int {
		return cmp.Or(cmp.Compare(urgency[a.Row["state"]], urgency[b.Row["state"]]), strings.Compare(a.Name, b.Name))
	})
	return lines
}

var urgency = map[string]int{"red": 0, "yellow": 1, "green": 2, "grey": 3}

// serverRows are the parts of servers that change.
func serverRows(ctx context.Context, c *Console) (map[string]live.Row, error) {
	list, err := c.cloud.Servers(ctx, "")
	if err != nil {
		return nil, err
	}
	rows := make(map[string]live.Row, len(list))
	for _, s := range list {
		rows[string(s.XID)] = serverRow(s)
	}
	return rows, nil
}

// serverRow has fields that end in _share as percentages, for bars.
func serverRow(s v1.Server) live.Row {
	row := live.Row{
		"name": s.Name, "environment": s.Environment, "href": Prefix + "servers/" + string(s.XID),
		"version": "", "system": "", "host": "", "cpu": "", "cpu_share": "", "memory": "", "memory_share": "", "disk": "", "disk_share": "",
		"jobs": "", "transport": "", "rtt": "", "clock": "", "address": "", "update": "", "drain": drainWords(s.Drain),
	}
	row["state"], row["words"] = serverState(s)
	c := s.Session
	if c == nil {
		return row
	}
	row["version"], row["system"], row["address"] = c.Version, c.OS+"/"+c.Arch, c.RemoteAddr
	row["transport"] = transportWords(c.Transport)
	if c.RTTMS > 0 {
		row["rtt"] = duration(time.Duration(c.RTTMS * float64(time.Millisecond)))
	}
	row["clock"] = clockWords(c.SkewMS)
	i := c.Info
	if i == nil {
		return row
	}
	row["host"] = i.Hostname + ", " + i.Platform
	row["jobs"] = fmt.Sprintf("%d of %d", i.Running, max(c.Executors, i.Running))
	if i.CPUs > 0 {
		row["cpu"], row["cpu_share"] = fmt.Sprintf("%.2f of %d", i.Load1, i.CPUs), percent(i.Load1, float64(i.CPUs))
	}
	if i.MemoryTotal > 0 {
		used := i.MemoryTotal - min(i.MemoryFree, i.MemoryTotal)
		row["memory"], row["memory_share"] = shareText(used, i.MemoryTotal), percent(float64(used), float64(i.MemoryTotal))
	}
	if i.DiskTotal > 0 {
		used := i.DiskTotal - min(i.DiskFree, i.DiskTotal)
		row["disk"], row["disk_share"] = shareText(used, i.DiskTotal), percent(float64(used), float64(i.DiskTotal))
	}
	if u := i.Update; u != nil {
		row["update"] = u.Phase
		if u.Wanted != "" && u.Wanted != c.Version {
			row["update"] = u.Phase + " " + u.Wanted
		}
	}
	return row
}

// serverState returns a colour, and what it means in words.
func serverState(s v1.Server) (state, words string) {
	skew := time.Duration(0)
	if s.Session != nil {
		skew = time.Duration(s.Session.SkewMS) * time.Millisecond
	}
	switch c := s.Session; {
	case s.Twin != nil:
		return "red", fmt.Sprintf("%d hosts run as this server", 1+len(s.Twin.Others))
	case c == nil && s.Revoked != nil:
		return "grey", "Revoked"
	case c == nil:
		return "yellow", "Away"
	case c.Info != nil && c.Info.Unfit != nil:
		return "red", "Takes no orders: " + c.Info.Unfit.Code
	case s.Drain != nil:
		return "yellow", "Drained by " + s.Drain.Who()
	case c.Info != nil && c.Info.Draining:
		return "yellow", "Draining"
	case skew.Abs() > clock.Tolerated:
		return "yellow", "Connected, clock " + clockWords(c.SkewMS)
	}
	return "green", "Connected"
}

// drainWords says who had a server take no orders, why and until when.
func drainWords(d *registry.Drain) string {
	if d == nil {
		return ""
	}
	words := "by " + d.Who()
	if !d.Until.IsZero() {
		words += ", until " + when(d.Until)
	}
	if d.Reason != "" {
		words += ": " + d.Reason
	}
	return words
}

func transportWords(transport string) string {
	switch transport {
	case "tls":
		return "raw TLS"
	case "websocket":
		return "WebSocket"
	}
	return transport
}

// clockWords says how far a clock is from the cloud's.
func clockWords(ms int64) string {
	switch by := (time.Duration(ms) * time.Millisecond).Round(time.Second); {
	case by < 0:
		return duration(-by) + " behind"
	case by > 0:
		return duration(by) + " ahead"
	}
	return "as the cloud's"
}
