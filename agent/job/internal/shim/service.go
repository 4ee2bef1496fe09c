package shim

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"tcenvsvr/agent/job/internal/spec"
)

// Services makes the talk with the App of a service (package service).
type Services func(spec.Service) (Service, error)

// Service is the talk with one App. It begins with Open in the shim's folder.
type Service interface {
	Broker() spec.Broker
	Open(mode os.FileMode) error
	// Started says that the App runs, and which sockets it and its processes hold.
	Started(sockets func() map[uint64]bool)
	Talk(net.Conn, *bufio.Reader)
	Shutdown() bool
	Silent() <-chan string
	Close()
}

// ServiceCommand is the argument, before the service's id, of a shim that another one has become.
const ServiceCommand = "service"

// serviceProgram lies beside the small program of a shim and has the broker. That program links neither TLS
// nor MQTT: each start of a job would pay 0.7 ms and 2 MB for them.
const serviceProgram = "tcenvsvr"

// makeService makes the broker and answers what the Launch must tell the App.
func (a *agentEnd) makeService(s spec.Service) error {
	if a.services == nil {
		a.close()
		return &spec.StartError{Code: spec.CodeShim, Err: become(s)}
	}
	if traced() { // while the program was loaded, before it could hide
		return &spec.StartError{Code: spec.CodeShim, Err: errors.New("making the broker of the service: another process traces its shim")}
	}
	service, err := a.services(s)
	if err != nil {
		return &spec.StartError{Code: spec.CodeShim, Err: fmt.Errorf("making the broker of the service: %w", err)}
	}
	a.service = service
	runtime.SetDefaultGOMAXPROCS() // it works beside the job
	broker := service.Broker()
	a.answer(spec.Reply{Broker: &broker})
	return nil
}

// become executes the program that has the broker in place of this one, with its stdin and stdout. It has
// been told nothing secret yet. The error is why that did not work.
func become(s spec.Service) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	program := filepath.Join(filepath.Dir(own), serviceProgram)
	err = execute(program, []string{serviceProgram, "job-shim", ServiceCommand, strconv.FormatInt(s.ID, 10)})
	return fmt.Errorf("executing %q, which has the broker of services: %w", program, err)
}

// becomes reads the arguments of become.
func becomes(args []string) (s spec.Service, is bool) {
	if len(args) != 4 || args[2] != ServiceCommand {
		return s, false
	}
	id, err := strconv.ParseInt(args[3], 10, 64)
	s.ID = id
	return s, err == nil && s.Validate() == nil
}

func (s *supervisor) openService() error {
	if s.service = s.agent.service; s.service == nil {
		return nil
	}
	s.agent.service = nil
	s.server.service = s.service.Talk
	if err := s.service.Open(fileMode); err != nil {
		return folderError(fmt.Errorf("making the file for the service's events: %w", err))
	}
	return nil
}

func (s *supervisor) closeService() {
	if s.service != nil {
		s.service.Close()
	}
}

// shutdown asks the App of a service to end, and reports whether it was asked.
func (s *supervisor) shutdown() bool { return s.service != nil && s.service.Shutdown() }

// silent has a reason when the App of a service does not answer; nil if it is none.
func (s *supervisor) silent() <-chan string {
	if s.service == nil {
		return nil
	}
	return s.service.Silent()
}
