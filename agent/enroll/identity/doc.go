// Package identity is this server's identity to the cloud: the client certificate in its keystore,
// and how it is replaced without a moment in which there is none.
//
//	keystore.p12           in use
//	keystore.p12.next      of an enrollment under way, with a password of its own
//	keystore.p12.renewed   a renewed certificate that no session has proved yet
//
// Enrollment writes .next first, and then the settings, which hold its password: the rename of the
// settings file is the moment of change. [Load] opens the keystore that fits the password in the
// settings, and finishes an enrollment that was cut off, so a kill at any step leaves either the
// old or the new identity.
//
// Renewal begins at two thirds of the certificate's life. A fresh key never leaves this host; the
// signed certificate is stored as .renewed. The next connections offer it and the old one in turn,
// until a session has opened with the new one: then it replaces the old one, here and in the cloud.
package identity
