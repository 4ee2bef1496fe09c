package help

import "tcenvsvr/updater"

// meaningAndTry heads the column of what codes and states mean.
const meaningAndTry = "what it means, and what to try"

// updateStates lists what "tcenvsvr update status" may say.
func updateStates() Topic {
	s := Section{Title: "States:", Term: "state", Text: meaningAndTry, Column: 12}
	for _, state := range updater.States {
		s.Rows = append(s.Rows, Row{state.Name, state.Hint()})
	}
	n := Section{Title: "What may stand beside the state:", Term: "it says", Text: meaningAndTry, Column: 12}
	for _, notice := range updater.Notices {
		n.Rows = append(n.Rows, Row{notice.Name, notice.Hint()})
	}
	return Topic{
		Name: "update-states", Short: "the states of an update, and what to try",
		Intro: `"tcenvsvr update status" shows the state of an update as the agent sees it ("phase") and what root's side did last ("last"). ` +
			`A release that fails on this host is left again by itself.`,
		Sections: []Section{s, n},
	}
}
