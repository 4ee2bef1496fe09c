package settings

// Sandboxed says that Apps can run as a sandbox user on this system.
const Sandboxed = true
