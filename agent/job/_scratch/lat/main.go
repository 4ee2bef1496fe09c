package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"syscall"
	"time"

	"tcenvsvr/agent/job"
)

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	e, err := job.NewExecutor(job.Config{Exe: os.Args[1]})
	if err != nil {
		panic(err)
	}
	base, _ := os.MkdirTemp("", "lat")
	defer os.RemoveAll(base)
	var ds, ws, floor []float64
	for i := range n {
		t0 := time.Now()
		exec.Command("/bin/true").Run()
		floor = append(floor, float64(time.Since(t0).Microseconds()))
		dir := filepath.Join(base, strconv.Itoa(i))
		os.MkdirAll(dir, 0o770)
		t0 = time.Now()
		p, err := e.Start(context.Background(), job.Launch{ID: "x", Dir: dir, Argv: []string{"/bin/true"}, Env: []string{"A=b"}})
		if err != nil {
			panic(err)
		}
		ds = append(ds, float64(time.Since(t0).Microseconds()))
		p.Wait(context.Background())
		ws = append(ws, float64(time.Since(t0).Microseconds()))
	}
	time.Sleep(50*time.Millisecond)
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_CHILDREN, &ru)
	for k, v := range map[string][]float64{"start": ds, "done": ws, "floor": floor} {
		sort.Float64s(v)
		fmt.Printf("%s: min %.0f p50 %.0f p90 %.0f us\n", k, v[0], v[len(v)/2], v[len(v)*9/10])
	}
	fmt.Printf("children cpu per job: %.2f ms\n", float64(ru.Utime.Nano()+ru.Stime.Nano())/1e6/float64(n))
}
