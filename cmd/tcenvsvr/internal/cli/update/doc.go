// Package update is "tcenvsvr update": what people do about new versions. One file is one command.
// status, check, apply and import talk to the running agent; rollback, pin and resume change root's
// side, which the hidden "tcenvsvr slot" runs.
package update
