package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"tcenvsvr/test/stage"
)

// soakDays are lived through one after the other: what a server does in a day, without the waiting
// in between.
const soakDays = 30

// ordersADay is one order a minute.
const ordersADay = 24 * 60

// soak runs a month's orders and looks at both sides after each day. What grows from the tenth day
// to the last one would grow for ever.
func soak(b *bench) error {
	c, a, err := b.trivial(8, "--appsSessionDaystoKeep", "0")
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	const settled = soakDays / 3 // from here on nothing may grow: pools, caches and logs are full
	var early []float64
	begin := time.Now()
	for day := range soakDays {
		if err := manyOrders(api, b.size(ordersADay, 20)); err != nil {
			return fmt.Errorf("day %d: %w", day+1, err)
		}
		now, err := sample(c, a)
		if err != nil {
			return err
		}
		if day+1 == settled {
			early = now
		}
		fmt.Fprintf(os.Stderr, "day %2d, %4.0f s: agent %5.1f MB, %3.0f files, %6.1f MB on disk; cloud %6.1f MB, %3.0f files, %7.1f MB on disk\n",
			day+1, time.Since(begin).Seconds(), now[0], now[1], now[2], now[3], now[4], now[5])
		if day+1 < soakDays {
			continue
		}
		for i, what := range sampled {
			b.row(fmt.Sprintf("%s, day %d", what.name, settled), early[i], what.unit, "")
			b.row(fmt.Sprintf("%s, day %d", what.name, soakDays), now[i], what.unit, "flat")
		}
	}
	return nil
}

// manyOrders submits n orders from four clients and waits until all succeeded.
func manyOrders(api *admin, n int) error {
	const clients = 4
	var wg sync.WaitGroup
	errs := make([]error, clients)
	for client := range clients {
		wg.Go(func() {
			for i := client; i < n && errs[client] == nil; i += clients {
				e, err := api.submit(noop, nil)
				if err == nil {
					_, err = api.succeeded(e.ID)
				}
				errs[client] = err
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var sampled = []struct{ name, unit string }{
	{"agent, memory", "MB"}, {"agent, open files", ""}, {"agent, disk", "MB"},
	{"cloud, memory", "MB"}, {"cloud, open files", ""}, {"cloud, disk", "MB"},
}

// sample takes the figures of sampled, in their order.
func sample(c *stage.Cloud, a *stage.Agent) ([]float64, error) {
	var figures []float64
	for _, p := range []struct {
		pid int
		dir string
	}{{a.PID(), a.Home}, {c.PID(), c.Data}} {
		rss, _, err := memory(p.pid)
		if err != nil {
			return nil, err
		}
		files, err := os.ReadDir("/proc/" + strconv.Itoa(p.pid) + "/fd")
		if err != nil {
			return nil, err
		}
		figures = append(figures, rss/1e6, float64(len(files)), onDisk(p.dir)/1e6)
	}
	return figures, nil
}

// onDisk is the size of all files below dir. Those that go away meanwhile do not count.
func onDisk(dir string) float64 {
	var sum float64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it went away
		}
		if info, err := d.Info(); err == nil {
			sum += float64(info.Size())
		}
		return nil
	})
	return sum
}
