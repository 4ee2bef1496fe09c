package systemd

import _ "embed" // the units are files, so that editors and systemd-analyze know them

// Service is the unit of the agent.
//
//go:embed threatconnect-envsvr.service
var Service string

// JobSocket and Job start a job for each connection; see appsRunner=socket.
var (
	//go:embed tc-job.socket
	JobSocket string
	//go:embed tc-job@.service
	Job string
)

// Hardened is a drop-in for Service.
//
//go:embed hardened.conf
var Hardened string
