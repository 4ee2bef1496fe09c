package main

import (
	"os"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/services"
	"tcenvsvr/cmd/tcenvsvr/internal/cli"
)

func main() {
	if job.IsShim(os.Args) { // before anything else: a shim starts for every job
		os.Exit(services.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
