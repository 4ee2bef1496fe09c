//go:build !linux

package setup

// steps: other systems run Apps as the agent's own user.
var steps []step
