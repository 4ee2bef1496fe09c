package paths

// DefaultHome is the home where TCENVSVR_HOME names none.
const DefaultHome = "/usr/local/threatconnect-envsvr"

// hostCerts is where the host's administrators put private CAs.
const hostCerts = "/etc/threatconnect-envsvr/certs.d"

// HostPolicy is the customer's policy, which root alone may write. /etc is a symbolic link here, and a policy is not read
// through one.
const HostPolicy = "/private/etc/threatconnect-envsvr/policy.yaml"

// maxSocket is the longest name of a Unix socket in bytes: sun_path has 104 with the terminating
// zero.
const maxSocket = 103
