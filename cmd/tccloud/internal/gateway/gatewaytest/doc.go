// Package gatewaytest runs a whole cloud side in a test: embedded or external JetStream,
// dispatcher, gateway on a loopback port with a CA of its own; and an agent's end of the link that
// does exactly what the test says.
//
// Crash is what kill -9 leaves: the store's folder is copied as it is at that moment, and a new
// cloud opens the copy.
package gatewaytest
