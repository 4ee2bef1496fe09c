package main

import (
	"os"
	"tcenvsvr/agent/job"

	_ "github.com/gorilla/websocket"
	_ "github.com/knadh/koanf/parsers/yaml"
	_ "github.com/knadh/koanf/providers/env/v2"
	_ "github.com/knadh/koanf/providers/file"
	_ "github.com/knadh/koanf/v2"
	_ "github.com/shirou/gopsutil/v4/cpu"
	_ "github.com/shirou/gopsutil/v4/disk"
	_ "github.com/shirou/gopsutil/v4/mem"
	_ "github.com/shirou/gopsutil/v4/net"
	_ "github.com/spf13/cobra"
	_ "net/http"
	_ "software.sslmate.com/src/go-pkcs12"
	_ "github.com/DeRuina/timberjack"
	_ "github.com/coreos/go-systemd/v22/daemon"
	_ "github.com/kardianos/service"
)

func main() { os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr)) }
