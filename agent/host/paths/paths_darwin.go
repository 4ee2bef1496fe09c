package paths

// DefaultHome is the home where TCENVSVR_HOME names none.
const DefaultHome = "/usr/local/threatconnect-envsvr"

// hostCerts is where the host's administrators put private CAs.
const hostCerts = "/etc/threatconnect-envsvr/certs.d"

// maxSocket is the longest name of a Unix socket in bytes: sun_path has 104 with the terminating
// zero.
const maxSocket = 103
