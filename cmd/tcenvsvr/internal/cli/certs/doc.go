// Package certs is "tcenvsvr certs": private CAs that Apps and the agent trust. One file is one
// command; each line of the vendor's Appendix A is one of them.
//
// The commands work on files (package tcenvsvr/certs). None of them needs a running agent, which
// notices changes by itself.
package certs
