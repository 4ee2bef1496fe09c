// Package facts reads facts about the machine on which the agent runs, for the cloud and for
// status. It is the only package that imports gopsutil, so that the way facts are found can change
// in one place.
//
// Nothing here fails as a whole: a fact that cannot be read is zero, and the error says which. To
// read all of them takes well under a millisecond on Linux; they may be read every few seconds.
package facts
