package job

// NoServices says why no service can run on this system, "" where services can: a shim becomes another program
// by exec, which Windows does not have.
const NoServices = "a shim on Windows cannot have the broker of a service"
