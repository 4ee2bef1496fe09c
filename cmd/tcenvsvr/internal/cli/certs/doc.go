// Package trust holds the verbs of private CAs: "tcenvsvr certs …".
//
// They work on files (package certs); a running agent notices by itself, so none
// of them needs it. Each line of the vendor's Appendix A is one of them.
package certs
