// Package svc makes the agent a service of this host's service manager, by kardianos/service:
// systemd without our package, SysV, OpenRC, launchd, Windows.
//
//	tcenvsvr service install ─► Spec ─► text of the unit or script ─► kardianos ─► the host
//	the service manager ─► tcenvsvr run ─► Run ─► the agent
//
// The unit or script is our own text (packaging/service), never kardianos' template, which knows
// neither notify, nor drains, nor that jobs outlive the agent. If the package's unit is installed,
// Install refuses: a second one in /etc would shadow it for ever.
//
// On Windows a service that ends by itself must end its process: the service control manager
// notices nothing else, and restarts it then.
package svc
