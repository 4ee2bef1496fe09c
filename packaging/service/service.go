package service

import "embed"

// Texts are the texts of the package: the folder systemd with all units and drop-ins, and
// initd/sysv.sh.
//
//go:embed systemd initd/sysv.sh
var Texts embed.FS

// Unit is the agent's unit, as the package has it.
//
//go:embed systemd/threatconnect-envsvr.service
var Unit string

// SysV is the script for hosts with SysV init. It supervises the agent itself.
//
//go:embed initd/sysv.sh
var SysV string

// OpenRC is the script for hosts with OpenRC, which supervises the agent.
//
//go:embed initd/openrc.sh
var OpenRC string

// Launchd is the property list for macOS.
//
//go:embed initd/launchd.plist
var Launchd string
