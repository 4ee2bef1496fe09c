// Package netwatch tells when the host's network changes: links, addresses
// or routes came or went. A connection that waits for its next attempt can then
// try at once, and one that looks alive can be probed.
//
// Linux only, by netlink; elsewhere Watch never calls. Changes come in
// bursts (an interface going up makes a dozen messages): a burst is told once,
// when it is over.
package netwatch
