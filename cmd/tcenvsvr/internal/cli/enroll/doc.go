// Package identity holds the verbs that make this host a server of an Environment:
// enrollment by a bundle, and the keychain that keeps its secrets.
//
// What a verb changes is proved before it is stored, and stored as a whole or not at all.
package enroll
