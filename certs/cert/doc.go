// Package cert reads certificates from the file formats that administrators use, and decides which
// of them can be trusted as CAs.
//
//	PEM (any order, with text between) ─┐
//	DER, one or several                ─┼─► Parse ─► certificates ─► Assess ─► trusted, with notes
//	PKCS#7 (.p7b, .p7c), PEM or DER    ─┘      │                        └───► refused, with the reason
//	                                           └─► a private key in the file: nothing is read at all
//
// Input is treated as hostile: sizes are bounded, names are shown as plain text, and no error
// repeats the content of the file.
package cert
