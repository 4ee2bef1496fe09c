// Package services is the body of a shim that can have the job of a service: job.ShimMain with the broker
// for its App. The small program of a shim does not link it, and becomes tcenvsvr when it is asked for one.
package services
