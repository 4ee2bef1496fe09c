// Package vet says all that is wrong with an App's package, at once and before it runs anywhere:
//
//	My_App_v1.tcx ─► the ZIP and its top folder ─► install.json, line by line ─► what is to be started
//
// `tccloud app add`, `tcenvsvr app run` and `tcenvsvr app check` ask it, so that a package which
// passes at its developer's desk passes at the cloud. An agent takes more: its cloud may be newer and
// know words that it does not. It refuses what it cannot unpack and start (package tcx), and logs the
// rest when it installs the App.
package vet
