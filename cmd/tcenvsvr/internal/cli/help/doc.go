// Package help writes what the program says about itself besides its commands: the topics of
// "tcenvsvr help TOPIC", the manual pages and the reference in Markdown.
//
//	settings.All ──────────┐               ┌─► tcenvsvr help TOPIC       (text.go)
//	Hints of the packages ─┼─► Topic ──────┼─► tcenvsvr-TOPIC(1)         (man.go)
//	paths, exit codes ─────┘   (topics.go) └─► cmd/tcenvsvr/README.md    (markdown.go)
//
// A topic has no text of its own where a table says the same: it is a loop over the table that the
// program itself uses. The three forms are made from one Topic, so they cannot differ.
package help
