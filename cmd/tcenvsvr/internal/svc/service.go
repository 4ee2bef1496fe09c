package svc

import (
	"errors"
	"fmt"
	"os"

	kardianos "github.com/kardianos/service"
)

// ErrNotInstalled means that the host knows no such service.
var ErrNotInstalled = errors.New("the service is not installed")

// packaged are the places where the package puts its unit.
var packaged = []string{"/usr/lib/systemd/system/" + Name + ".service", "/lib/systemd/system/" + Name + ".service"}

// Service is the service on this host.
type Service struct {
	kardianos.Service
	spec Spec
}

// New returns the service, installed or not.
func New(s Spec) (*Service, error) {
	k, err := kardianos.New(&program{}, s.config())
	if err != nil {
		return nil, fmt.Errorf("finding this host's service manager: %w", err)
	}
	return &Service{k, s}, nil
}

// Packaged reports whether the package has installed the service.
func Packaged() bool {
	for _, unit := range packaged {
		if _, err := os.Stat(unit); err == nil {
			return true
		}
	}
	return false
}

// Install writes the unit or script and makes the service start with the host.
func (s *Service) Install() error {
	if Packaged() {
		return errors.New("installing the service: the package has done that\nhint: use \"tcenvsvr service start\", or remove the package first")
	}
	if s.Platform() != "windows-service" {
		if err := s.spec.check(); err != nil {
			return err
		}
	}
	if err := s.Service.Install(); err != nil {
		return fmt.Errorf("installing the service (%s): %w", s.Platform(), err)
	}
	return enable(s.Platform())
}

// Uninstall stops the service and takes back what Install did.
func (s *Service) Uninstall() error {
	if Packaged() {
		return errors.New("removing the service: it belongs to the package\nhint: remove the package")
	}
	if running, err := s.Running(); err != nil {
		return err
	} else if running {
		if err := s.Do("stop"); err != nil {
			return err
		}
	}
	if err := disable(s.Platform()); err != nil {
		return err
	}
	if err := s.Service.Uninstall(); err != nil {
		return fmt.Errorf("removing the service (%s): %w", s.Platform(), err)
	}
	return nil
}

// Do starts, stops or restarts the service: verb is "start", "stop" or "restart".
func (s *Service) Do(verb string) error {
	act := s.Restart
	switch verb {
	case "start":
		act = s.Start
	case "stop":
		act = s.Stop
	}
	if _, err := s.Running(); err != nil {
		return fmt.Errorf("%s of the service: %w", verb, err)
	}
	err := act()
	if err != nil && os.Geteuid() > 0 { // the error is no more than an exit status
		err = fmt.Errorf("%w: %w\nhint: run it as root", os.ErrPermission, err)
	}
	if err != nil {
		return fmt.Errorf("%s of the service (%s): %w", verb, s.Platform(), err)
	}
	return nil
}

// Running asks the service manager. The error is [ErrNotInstalled] if it does not know the service.
func (s *Service) Running() (bool, error) {
	status, err := s.status()
	if errors.Is(err, kardianos.ErrNotInstalled) {
		return false, fmt.Errorf("%w\nhint: install the package, or run \"tcenvsvr service install\" as root", ErrNotInstalled)
	}
	if err != nil {
		return false, fmt.Errorf("asking %s about the service: %w", s.Platform(), err)
	}
	return status == kardianos.StatusRunning, nil
}
