package help

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"tcenvsvr/agent"
	"tcenvsvr/agent/app/api"
	appfault "tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	linkfault "tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/updater"
	"tcenvsvr/updater/handover"
)

// errorCodes lists the codes of the packages that make them.
func errorCodes() Topic {
	return Topic{
		Name: "errors", Short: "what the error codes mean, and what to try",
		Intro: "Codes name what went wrong; they keep their meaning. The message beside a code says more.",
		Sections: []Section{
			codes(`An execution that did not go well ("error" in "tccloud run" and the cloud's lists):`, appfault.Hints, job.Hints, agent.Hints, guard.Hints),
			codes(`A host that takes no orders ("tcenvsvr status", "tccloud server list"; a code of the first list is possible, too):`, fitness.Hints),
			codes("An order that this server did not accept (the cloud gives it to another one, or again later):", agent.RefusalHints),
			codes(`The connection to the cloud ("tcenvsvr status"):`, connection()),
			codes("An answer of the cloud's API (in messages and the log):", cloud.Hints),
			codes(`An update that stays where it is ("tcenvsvr update status"; "tcenvsvr help update-states" has the other states, too):`, stuck()),
			codes(`A release that was refused (the code beside "refused"):`, handover.RefusalHints),
			codes("An App's request to its API (status of the answer, in the App's log):", api.Hints),
		},
	}
}

// connection returns the codes of the link, of which the cloud's have two prefixes.
func connection() map[linkfault.Code]string {
	hints := map[linkfault.Code]string{}
	for _, row := range linkfault.Codes() {
		hints[row.Code] = row.Hint
	}
	return hints
}

// stuck returns the states in which an update stays until somebody does something.
func stuck() map[string]string {
	hints := map[string]string{}
	for _, s := range updater.States {
		if s.Stays {
			hints[s.Name] = s.Hint()
		}
	}
	return hints
}

// codes makes a section of tables, in the order of the codes.
func codes[K cmp.Ordered](title string, tables ...map[K]string) Section {
	all := map[K]string{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	s := Section{Title: title, Term: "code", Text: meaningAndTry, Column: 24} // fits all but a few codes
	for _, code := range slices.Sorted(maps.Keys(all)) {
		s.Rows = append(s.Rows, Row{fmt.Sprint(code), all[code]})
	}
	return s
}
