// Command tcenvsvr stands in for releases that do not work. It says of itself what a release must;
// what is wrong with it is linked in.
package main

import (
	"net"
	"os"
	"time"
)

var does string

func main() {
	switch does {
	case "crash":
		panic("this release does not start")
	case "hang": // and is never ready
	case "sick": // ready, and never healthy
		tell("READY=1")
	}
	for range time.Tick(time.Second) {
		tell("WATCHDOG=1")
	}
}

func tell(state string) {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err == nil {
		_, _ = c.Write([]byte(state))
		_ = c.Close()
	}
}
