// Package facts tells facts about the machine the agent runs on: what the
// cloud shows of it and what decides whether it can take an order. It is the
// only package that imports gopsutil, so that how facts are found can change in one
// place.
//
// Nothing here fails as a whole: a fact that cannot be read is zero and
// the error says which. Reading all of them takes well under a millisecond on Linux; they
// are meant to be read every few seconds.
package facts
