package sudoers

import "tcenvsvr/agent/host/layout"

// Rule is the content of /etc/sudoers.d/threatconnect. The package ships it, and the host's setup
// writes it elsewhere. With these defaults sudo becomes the job's supervisor in the service's own
// cgroup (see job.Sudo).
const Rule = `# Lets the Environment Server run Apps as the sandbox user, and do nothing else.
Defaults:` + layout.Agent + ` !requiretty, !use_pty, !pam_session, !pam_setcred
` + layout.Agent + ` ALL=(` + layout.Sandbox + `) NOPASSWD: ALL
`
