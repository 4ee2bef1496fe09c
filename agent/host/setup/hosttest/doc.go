// Package hosttest gives tests a copy of the host to set up: /etc, /opt, /run and /var/lib in a
// mount namespace of their own. It is for tests of package setup and of the packages that it
// consists of.
package hosttest
