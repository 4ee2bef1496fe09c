// Package prompt asks people questions, one line at a time. It needs no more than a terminal that
// shows letters: no colours, no cursor, nothing drawn again, so that it works the same over ssh, on
// a serial console and in a script.
//
// It reads byte by byte and never ahead: what was typed or pasted for a later question is still
// there for it, also where that one is asked without echo. A question ends with the context
// (Ctrl-C), and the terminal is then as it was.
package prompt
