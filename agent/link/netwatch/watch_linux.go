package netwatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A burst is over when nothing has happened for Quiet, or after Burst.
const (
	Quiet = 250 * time.Millisecond
	Burst = 2 * time.Second
)

const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
	unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE

// Watch calls changed after every burst of changes until ctx ends. An error means that changes
// cannot be watched here.
func Watch(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("opening netlink: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("binding netlink: %w", err)
	}
	f := os.NewFile(uintptr(fd), "netlink") // non-blocking: reads honour deadlines
	defer func() { _ = f.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	buf := make([]byte, 64<<10) // contents do not matter
	for {
		if err := f.SetReadDeadline(time.Time{}); err != nil {
			return fmt.Errorf("watching netlink: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		if _, err := f.Read(buf); err != nil && !errors.Is(err, unix.ENOBUFS) { // ENOBUFS: too many messages, so something changed
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watching netlink: %w", err)
		}
		untilQuiet(ctx, f, buf)
		if ctx.Err() != nil {
			return nil
		}
		changed()
	}
}

// untilQuiet reads until the burst is over.
func untilQuiet(ctx context.Context, f *os.File, buf []byte) {
	end := time.Now().Add(Burst)
	for ctx.Err() == nil {
		now := time.Now()
		if !now.Before(end) {
			return
		}
		if err := f.SetReadDeadline(now.Add(min(Quiet, end.Sub(now)))); err != nil {
			return
		}
		if _, err := f.Read(buf); err != nil && !errors.Is(err, unix.ENOBUFS) {
			return
		}
	}
}
