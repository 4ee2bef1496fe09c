package paths

// DefaultHome is the home where TCENVSVR_HOME names none.
const DefaultHome = "/opt/threatconnect-envsvr"

// hostCerts is where the host's administrators put private CAs.
const hostCerts = "/etc/threatconnect-envsvr/certs.d"

// HostPolicy is the customer's policy, which root alone may write.
const HostPolicy = "/etc/threatconnect-envsvr/policy.yaml"

// maxSocket is the longest name of a Unix socket in bytes: sun_path has 108 with the terminating
// zero.
const maxSocket = 107
