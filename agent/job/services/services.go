// Package services is the body of a shim that can have the job of a service: job.ShimMain with the broker
// for its App. The small program of a shim does not link it, and becomes tcenvsvr when it is asked for one.
package services

import (
	"io"

	"tcenvsvr/agent/job/internal/service"
	"tcenvsvr/agent/job/internal/shim"
	"tcenvsvr/agent/job/internal/spec"
)

// ShimMain is job.ShimMain for services, too.
func ShimMain(stdin io.Reader, stdout, stderr io.Writer) int {
	return shim.Main(stdin, stdout, stderr, func(s spec.Service) (shim.Service, error) { return service.New(s) })
}
