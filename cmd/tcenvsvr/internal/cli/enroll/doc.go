// Package enroll is "tcenvsvr enroll" and "tcenvsvr unenroll": they make this host a server of an
// Environment, and end that.
//
//	enroll.go    the command, from the offer to the stored identity
//	offer.go     reads what is offered: a bundle, a link, a .env file, a keystore
//	unenroll.go  removes the identity here and in the cloud
//	host.go      what both know of this host: settings, keychain, unreported orders
//
// An identity is proved before it is stored, and stored as a whole or not at all.
package enroll
