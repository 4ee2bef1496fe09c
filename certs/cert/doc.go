// Package cert reads certificates from whatever administrators have them
// in, and judges what each is good for.
//
//	PEM (any order, with text between) ─┐
//	DER, one or several                ─┼─► Parse ─► certificates ─► Judge ─► taken, with notes
//	PKCS#7 (.p7b, .p7c), PEM or DER    ─┘      │                        └───► refused, with the reason
//	                                           └─► a private key in the file: nothing is read at all
//
// What comes in is hostile until judged: sizes are bounded, names are shown
// quoted, and no error repeats what was in the file.
package cert
