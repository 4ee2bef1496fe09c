// Package identity is who this server is to the cloud: the client certificate in its
// keystore, and how that is replaced without ever being without one.
//
//	keystore.p12           in use
//	keystore.p12.next      of an enrollment under way, with a password of its own
//	keystore.p12.renewed   a renewed certificate that no session has proved yet
//
// Enrollment writes .next first and then the settings, among which is its password: that
// one rename is the moment of change. Load finds whichever the password in the settings
// opens and finishes what was begun, so that a kill at any step leaves the old or the new identity whole.
//
// Renewal begins at two thirds of the certificate's life. A fresh key never leaves this host; what the
// cloud signs is stored as .renewed and offered by the next connections in turn with the old one, until a session
// with it has opened: then it takes the old one's place, here and in the cloud.
package identity
