// Package sentences compares what the programs say when something is wrong with what scripts and tests
// look for.
//
//	source.go     the sentences of the source: messages of errors, findings, hints
//	expected.go   the texts that .txtar scripts and Go tests look for
//	match.go      which sentences nobody looks for
//
// A sentence counts as caused if a text that is looked for tells it from every other sentence, or holds
// all of it. Of an error that wraps another ("reading %q: %w") the cause is the sentence. A sentence with
// a name of its own (ErrLocked) is caused as well by a test that knows the name.
package sentences
