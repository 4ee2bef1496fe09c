package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/test/stage"
)

// gateways measures what idle agents cost two gateways over three nodes, half of them each, and what
// each gateway takes for servers that it knows and that are away.
func gateways(b *bench) error {
	clouds, err := b.startGateways()
	if err != nil {
		return err
	}
	api, err := b.admin(clouds[0])
	if err != nil {
		return err
	}
	n := b.size(9000, 200)
	b.row("servers of the cloud", float64(n*len(clouds)), "", "")
	none, err := b.restartedGateways(clouds)
	if err != nil {
		return err
	}
	dirs := make([][]string, len(clouds))
	for i := range clouds {
		if dirs[i], err = b.issue(api, i*n, (i+1)*n); err != nil {
			return err
		}
	}
	away, err := b.restartedGateways(clouds)
	if err != nil {
		return err
	}
	begin := time.Now()
	for i, c := range clouds {
		h, err := b.release(c, dirs[i])
		if err != nil {
			return err
		}
		defer h.end()
		if _, err := h.await(n, 10*time.Minute); err != nil {
			return err
		}
	}
	b.row("all connected after", time.Since(begin).Seconds(), "s", "")
	for i, c := range clouds {
		with, err := b.idles(c)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("gateway %d: ", i+1)
		b.row(name+"RSS without servers", none[i].rss/1e6, "MB", "")
		b.row(name+"RSS for each server that is away", (away[i].rss-none[i].rss)/float64(n*len(clouds))/1e3, "KB", "")
		b.row(name+fmt.Sprintf("RSS with %d agents", n), with.rss/1e6, "MB", "")
		b.row(name+"RSS for each of its agents", (with.rss-away[i].rss)/float64(n)/1e3, "KB", "<= 25 KB")
		b.row(name+"processor while they idle", 100*with.cpu.Seconds(), "% of a core", "")
	}
	return nil
}

// startGateways starts a cloud of three nodes and two gateways, with one Environment.
func (b *bench) startGateways() ([]*stage.Cloud, error) {
	var addrs, peers []string
	for i := range 3 { // addresses of its own: no other program has these ports
		host := fmt.Sprintf("127.%d.%d.%d", 64+os.Getpid()%128, os.Getpid()/128%256, i+1)
		addrs, peers = append(addrs, host+":4222"), append(peers, host+":6222")
	}
	for _, node := range b.Nodes(addrs, peers) {
		if err := node.Start(); err != nil {
			return nil, err
		}
		b.atEnd(func() { node.Stop(stopTimeout) })
	}
	var clouds []*stage.Cloud
	for _, name := range []string{"gateway-1", "gateway-2"} {
		c, err := b.StartCloud(b.ctx, name, "--nats", strings.Join(addrs, ","), "--cluster-secret-file", filepath.Join(b.Dir, "cluster.secret"))
		if err != nil {
			return nil, err
		}
		b.atEnd(func() { c.Stop(stopTimeout) })
		clouds = append(clouds, c)
	}
	err := stage.Eventually(b.ctx, func() error { // the copies are still being placed
		_, err := clouds[0].Do(b.ctx, "env", "create", environment)
		return err
	})
	return clouds, err
}

// restartedGateways measures fresh processes, so that what they did before does not count.
func (b *bench) restartedGateways(clouds []*stage.Cloud) (idle []idling, err error) {
	for _, c := range clouds {
		c.Stop(stopTimeout)
		if err := c.Restart(b.ctx); err != nil {
			return nil, err
		}
	}
	for _, c := range clouds {
		i, err := b.idles(c)
		if err != nil {
			return nil, err
		}
		idle = append(idle, i)
	}
	return idle, nil
}
