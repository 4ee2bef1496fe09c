// Package netwatch reports that the host's network has changed: a link, an address or a route came
// or went. A connection that waits for its next attempt can then try at once, and one that looks
// alive can be probed.
//
// Linux only, by netlink; elsewhere Watch never calls. Changes come in bursts (an interface that
// goes up causes a dozen messages); a burst is reported once, when it is over.
package netwatch
