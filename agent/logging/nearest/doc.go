// Package nearest finds the known word that a mistyped one was probably meant to be, so that a
// message about the mistake can name it.
package nearest
