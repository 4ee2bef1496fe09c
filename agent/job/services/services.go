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
