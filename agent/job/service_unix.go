//go:build unix

package job

// NoServices says why no service can run on this system, "" where services can.
const NoServices = ""
