package main

import (
	"os"

	"tcenvsvr/agent/job"
)

func main() { os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr)) }
