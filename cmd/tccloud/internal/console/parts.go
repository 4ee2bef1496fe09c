package console

// What templates give to the parts that pages share, see pages/_parts.html.

// crumbsOf are the pages above one, each a name and a path below Prefix, and the name of the page itself.
func crumbsOf(words ...string) []crumb {
	var list []crumb
	for ; len(words) > 1; words = words[2:] {
		list = append(list, crumb{words[0], Prefix + words[1]})
	}
	for _, w := range words {
		list = append(list, crumb{Name: w})
	}
	return list
}

// confirmation is a dialog that asks before something is done.
type confirmation struct {
	ID, Path     string // of the dialog, and that the answer is sent to
	Title, About string
	Send         string // the button's words
	Danger       bool   // it is hard to undo
}

func confirmOf(danger bool) func(id, path, title, about, send string) confirmation {
	return func(id, path, title, about, send string) confirmation {
		return confirmation{id, path, title, about, send, danger}
	}
}

// emptiness says that there is nothing yet, and what to do.
type emptiness struct{ What, About string }
