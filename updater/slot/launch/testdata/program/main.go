// Program does what its test planned for its version: a word in the file plan-VERSION of the folder
// that is its argument. The version is the end of the program's own file.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	dir := os.Args[1]
	self, err := os.Executable()
	must(err)
	content, err := os.ReadFile(self)
	must(err)
	version := string(content[strings.LastIndex(string(content), "version ")+8:])
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(err)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	plan, err := os.ReadFile(filepath.Join(dir, "plan-"+version))
	must(err)
	fmt.Fprintln(log, version)
	inbox := filepath.Join(dir, "home", ".tcenvsvr", "inbox")
	switch string(plan) {
	case "crash":
		os.Exit(1)
	case "panic":
		panic("planned")
	case "settings":
		os.Exit(5)
	case "update": // ask for the release, restart when it is there
		must(os.WriteFile(filepath.Join(inbox, "request-apply"), nil, 0o600))
		for !strings.Contains(read(filepath.Join(dir, "home", "updater", "run", "status.json")), `"candidate"`) {
			time.Sleep(10 * time.Millisecond)
		}
		os.Exit(75)
	case "healthy":
		must(os.WriteFile(filepath.Join(inbox, "request-healthy"), nil, 0o600))
	}
	for s := range signals {
		fmt.Fprintln(log, s)
		if s == syscall.SIGTERM {
			return
		}
	}
}

func read(file string) string {
	data, _ := os.ReadFile(file)
	return string(data)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(9)
	}
}
