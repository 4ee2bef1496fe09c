package main

import (
	"os"

	"tcenvsvr/cmd/tccloud/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
