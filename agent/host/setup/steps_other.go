//go:build !linux

package setup

// steps: there are none on other systems, which run Apps as the agent's own user.
var steps []step
