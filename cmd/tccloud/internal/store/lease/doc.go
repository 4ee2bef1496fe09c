// Package lease says which of the gateways that share a bucket looks after what is in it: after the
// Jobs, after the services. Its holder writes a value of the bucket again and again; whoever sees it
// unchanged for long enough, by a clock of its own that nobody can set, takes it.
//
// Two that believe to have it must do no harm: what the holder does has to be written over the
// revision that it was decided on. The lease saves them from working in vain.
package lease
