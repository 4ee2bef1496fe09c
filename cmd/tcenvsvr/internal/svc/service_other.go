//go:build !linux

package svc

import kardianos "github.com/kardianos/service"

func (s *Service) status() (kardianos.Status, error) { return s.Status() }

func enable(string) error  { return nil }
func disable(string) error { return nil }
