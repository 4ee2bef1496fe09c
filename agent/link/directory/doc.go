// Package directory keeps the brokers that the cloud names in its sessions, beside those of the
// setting brokerHost: an agent that was enrolled with one gateway finds the others.
//
//	cloud ── welcome, control brokers ──► Learn ──► brokers.json ──► Brokers ──► link, beside brokerHost
//
// # Whose word counts
//
// The setting always does: its brokers are tried whatever the cloud says. Those that the cloud names
// are tried as well while the setting is the cloud's own, as the bundle brought it. It is when the
// cloud first names all of its brokers; from then on it is as long as it stays what it was then. An
// administrator who sets another one has decided: the cloud's are kept and shown, and not used, until
// the setting is as before, or names just the cloud's.
//
// # What a broker must prove
//
// Whoever speaks in a session may name any host: the cloud, or a proxy that inspects the connection
// by a CA of the administrator. So a broker that is known from here alone must have a certificate
// of the CAs that came with the bundle, for its own name (link.Config.Pinned); it gets no token before.
// Where the cloud's certificate is of another CA, its brokers have to be in the setting.
package directory
