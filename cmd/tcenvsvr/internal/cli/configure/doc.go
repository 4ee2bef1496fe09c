// Package configure is "tcenvsvr configure": the numbered menu over the settings (menu.go,
// edit.go), and --set, which does the same without asking. Both try new values before anything is
// written (try.go).
package configure
