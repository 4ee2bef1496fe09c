// Package platform is how command lines say which ThreatConnect instance is meant, and how it is
// reached: the flags --platform, --platform-credentials, --platform-ca and --platform-proxy. Credentials
// are never on a command line: they come from a file that others cannot read, or the environment.
package platform
