package agent

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/order"
)

// mostLost is how many orders of a lost journal the log names, each by a line.
const mostLost = 20

// tellLost says what the folders of jobs tell of orders after the whole journal was lost; "" if it was
// not. No result is made of them: which App ran and how its end is to be read stood in the journal alone,
// what lies in a folder an App may have written itself, and of most orders there the cloud has the result
// long since. The cloud shows the others as interrupted.
func (a *Agent) tellLost() string {
	entries, err := os.ReadDir(a.JobsDir)
	if err != nil || !a.Journal.Made() {
		return ""
	}
	type lost struct {
		session string
		changed time.Time
	}
	var all []lost
	for _, e := range entries {
		if _, ok := order.RefOf(e.Name()); !ok || !e.IsDir() {
			continue
		}
		if info, err := e.Info(); err == nil {
			all = append(all, lost{e.Name(), info.ModTime()})
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortFunc(all, func(x, y lost) int { return cmp.Or(y.changed.Compare(x.changed), cmp.Compare(x.session, y.session)) })
	for _, l := range all[:min(len(all), mostLost)] {
		how := "nothing tells how its App ended"
		if exit, found, _ := job.ReadExit(filepath.Join(a.JobsDir, l.session)); found {
			how = fmt.Sprintf("its App ended with exit code %d", exit.Code)
			if why := cmp.Or(exit.Reason, exit.Signal); why != "" {
				how += " (" + why + ")"
			}
		}
		a.Logger.Error("the journal knows nothing of an order whose job folder is here: no result of it is sent",
			"order", l.session, "found", how, "dir", filepath.Join(a.JobsDir, l.session))
	}
	said := fmt.Sprintf("the journal was gone and was made anew: job folders of %d orders are left, the newest of %s; "+
		"the cloud has their results already, or shows the orders as interrupted", len(all), all[0].session)
	a.Logger.Error("the journal was gone and was made anew", "orders", len(all), "newest", all[0].session, "dir", a.JobsDir)
	return said
}

// journalLoss is what tellLost said at the start.
func (a *Agent) journalLoss() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lost
}
