package console

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// awayData is what the page of servers that are away for long shows.
type awayData struct {
	Days    int
	Choices []int
	Servers []v1.Server // the longest first
	More    int         // that are not shown
}

var awayChoices = []int{7, 30, 90, 365}

const mostAway = 500 // on a page

// awayDays reads for how many days they are away.
func awayDays(text string) int {
	if n, err := strconv.Atoi(text); err == nil && slices.Contains(awayChoices, n) {
		return n
	}
	return 30
}

func loadAway(q *request) (any, error) {
	list, err := q.cloud.Servers(q.Context(), "")
	if err != nil {
		return nil, err
	}
	days := q.FormValue("days")
	d := awayData{Days: awayDays(days), Choices: awayChoices}
	for _, s := range list {
		if s.Away != nil && s.Revoked == nil && s.PendingBundle == nil && time.Since(*s.Away) >= time.Duration(d.Days)*day {
			d.Servers = append(d.Servers, s)
		}
	}
	slices.SortFunc(d.Servers, func(a, b v1.Server) int { return a.Away.Compare(*b.Away) })
	d.More = max(0, len(d.Servers)-mostAway)
	d.Servers = d.Servers[:len(d.Servers)-d.More]
	return d, nil
}

// revokeAway revokes those that are marked, if they are still away.
func revokeAway(q *request) (done, error) {
	var xids []wire.ServerXID
	for _, xid := range q.PostForm["server"] {
		xids = append(xids, wire.ServerXID(xid))
	}
	if len(xids) == 0 {
		return done{}, &invalid{"mark the servers that are to be revoked"}
	}
	r, err := q.cloud.RevokeAway(q.Context(), xids, time.Duration(awayDays(q.PostForm.Get("days")))*day)
	if err != nil {
		return done{}, err
	}
	say := count(len(r.Revoked), "server") + " revoked."
	if n := len(r.Kept); n > 0 {
		say += fmt.Sprintf(" Kept: %s, as %s.", count(n, "server"), r.Kept[0].Why)
	}
	return done{say: say, to: "servers"}, nil
}
