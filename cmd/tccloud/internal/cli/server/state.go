package server

import (
	"fmt"
	"time"

	hostclock "tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// unfit returns why a connected server takes no orders, nil if it does.
func unfit(s v1.Server) *wire.Unfit {
	if s.Session == nil || s.Session.Info == nil {
		return nil
	}
	return s.Session.Info.Unfit
}

func state(s v1.Server) string {
	switch {
	case s.Twin != nil && s.Session != nil:
		return fmt.Sprintf("connected, %d HOSTS", 1+len(s.Twin.Others))
	case s.Twin != nil:
		return fmt.Sprintf("away, %d HOSTS", 1+len(s.Twin.Others))
	case unfit(s) != nil:
		return "takes no orders: " + unfit(s).Code
	case s.Session != nil && s.Drain != nil:
		return "drained by " + s.Drain.Who()
	case s.Session != nil && s.Session.Info != nil && s.Session.Info.Draining:
		return "draining"
	case s.Session != nil && skew(s).Abs() > hostclock.Tolerated:
		return "connected, clock " + apart(s)
	case s.Session != nil:
		return "connected"
	case s.Revoked != nil:
		return "revoked"
	}
	return "away"
}

func skew(s v1.Server) time.Duration { return time.Duration(s.Session.SkewMS) * time.Millisecond }

func apart(s v1.Server) string {
	switch by := skew(s).Round(time.Second); {
	case by < 0:
		return by.Abs().String() + " behind"
	case by > 0:
		return by.String() + " ahead"
	}
	return "as the cloud's"
}
