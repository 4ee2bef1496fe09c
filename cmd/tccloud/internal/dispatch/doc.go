// Package dispatch is the life of an order on the cloud's side.
package dispatch
