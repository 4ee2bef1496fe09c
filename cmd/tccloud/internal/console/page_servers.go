package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// serversData is what the page of all servers shows.
type serversData struct {
	listed
	Environment string // the only one shown, "" = all
	Search      string
	Total       int
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
	d.listed = linesOf(list, serverLine)
	urgentFirst(d.Lines)
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

// urgentFirst sorts what needs attention first, then by name.
func urgentFirst(lines []line) {
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(urgency[a.Row["state"]], urgency[b.Row["state"]]), strings.Compare(a.Row["name"], b.Row["name"]))
	})
}

var urgency = map[string]int{"red": 0, "yellow": 1, "green": 2, "grey": 3}

func serverRows(ctx context.Context, c *client.Client) (map[string]live.Row, error) {
	list, err := c.Servers(ctx, "")
	return rowsOf(list, err, serverLine)
}

func serverOne(ctx context.Context, c *client.Client, xid string) (live.Row, error) {
	s, err := c.Server(ctx, wire.ServerXID(xid))
	return rowOf(s, err, serverLine)
}

func serverLine(s v1.Server) line { return line{string(s.XID), serverRow(s)} }

// serverRow has fields that end in _share as percentages, for bars.
func serverRow(s v1.Server) live.Row {
	row := live.Row{
		"name": s.Name, "environment": s.Environment, "href": Prefix + "servers/" + string(s.XID),
		"version": "", "system": "", "host": "", "cpu": "", "cpu_share": "", "memory": "", "memory_share": "", "disk": "", "disk_share": "",
		"jobs": "", "transport": "", "path": "", "isolation": "", "templates": "", "rtt": "", "clock": "", "address": "", "update": "", "drain": drainWords(s.Drain), "certificate": stamp(s.CertificateExpires),
	}
	row["state"], row["words"] = serverState(s)
	c := s.Session
	if c == nil {
		return row
	}
	row["version"], row["system"], row["address"] = c.Version, c.OS+"/"+c.Arch, c.RemoteAddr
	row["transport"] = transportWords(c.Transport)
	row["path"] = pathWords(c)
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
	row["isolation"], row["templates"] = isolationWords(i.Isolation), templatesWords(i.Templates)
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
	case c == nil && s.Away != nil:
		return "yellow", "Away for " + duration(time.Since(*s.Away))
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

// pathWords says how a server comes to the broker, and why so.
func pathWords(c *v1.Session) string {
	words := transportWords(c.Transport)
	if c.Transport == "websocket" {
		words += ", as its setting queueTransport says"
	}
	switch {
	case c.Info == nil:
	case c.Info.Proxy == "":
		words += ", without a proxy"
	default:
		words += ", through the proxy " + c.Info.Proxy
	}
	return words
}

// isolationWords says how far Apps are kept apart, and why not more.
func isolationWords(i *wire.Isolation) string {
	switch {
	case i == nil:
		return ""
	case i.Missing != "":
		return i.Level + " only (appsIsolation is " + i.Wanted + "): " + i.Missing
	}
	return i.Level
}

// templatesWords counts the templates of Apps that run often.
func templatesWords(list []wire.Template) string {
	n := map[string]int{}
	for _, t := range list {
		n[t.State]++
	}
	var words []string
	for _, state := range slices.Sorted(maps.Keys(n)) {
		words = append(words, fmt.Sprintf("%d %s", n[state], state))
	}
	return strings.Join(words, ", ")
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
