//go:build !linux

package provision

// steps: other systems run Apps as the agent's own user.
var steps []step
