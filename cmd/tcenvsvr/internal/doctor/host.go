package doctor

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"tcenvsvr/agent/host/facts"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

const (
	leastCores  = 4
	leastMemory = 4 << 30
	leastDisk   = 10 << 30
)

// hostFacts reads the facts anew for each check: that costs little.
func hostFacts(ctx context.Context, t *target) facts.Facts {
	h, _ := facts.New(ctx) // what is missing is zero
	f, _ := h.Facts(ctx, existing(t.Paths.Jobs))
	return f
}

// families are the names of RHEL and of systems that follow it.
var families = []string{"rhel", "redhat", "centos", "rocky", "almalinux", "oracle", "ol"}

func system(ctx context.Context, t *target) outcome {
	f := hostFacts(ctx, t)
	name, version, _ := strings.Cut(f.Platform, " ")
	major, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(major)
	for _, family := range families {
		if strings.HasPrefix(strings.ToLower(name), family) && n >= 8 {
			return ok("%s (%s)", f.Platform, runtime.GOARCH)
		}
	}
	return warn("for the vendor's support use RHEL 8 or 9; Apps may run here all the same", "%s (%s)", f.Platform, runtime.GOARCH)
}

func cores(ctx context.Context, t *target) outcome {
	n := hostFacts(ctx, t).CPUs
	if n < leastCores {
		return warn("give the host more cores, or lower appsNumberofJobExecutors", "%d cores for %d Apps at once", n, t.settings.JobExecutors)
	}
	return ok("%d cores for %d Apps at once", n, t.settings.JobExecutors)
}

func memory(ctx context.Context, t *target) outcome {
	f := hostFacts(ctx, t)
	text := fmt.Sprintf("%s, %s of it available", size(int64(f.MemoryTotal)), size(int64(f.MemoryFree)))
	switch {
	case f.MemoryTotal == 0:
		return skip("not known")
	case f.MemoryFree < 256<<20:
		return fail("end what uses it, or give the host more", "%s", text)
	case f.MemoryTotal < leastMemory*9/10: // the kernel takes its part
		return warn("give the host more memory, or lower appsNumberofJobExecutors", "%s", text)
	}
	return ok("%s", text)
}

func disk(ctx context.Context, t *target) outcome {
	f := hostFacts(ctx, t)
	text := fmt.Sprintf("%s free of %s at %q", size(int64(f.DiskFree)), size(int64(f.DiskTotal)), existing(t.Paths.Jobs))
	switch {
	case f.DiskTotal == 0:
		return skip("not known")
	case f.DiskFree < 64<<20:
		return fail("free some: the agent takes no orders below 64 MB", "%s", text)
	case f.DiskFree < 1<<30 || f.DiskTotal < leastDisk:
		return warn("give it more, or lower appsSessionsDiskPercent", "%s", text)
	}
	return ok("%s", text)
}

func serviceInstalled(_ context.Context, _ *target) outcome {
	s, err := svc.New(svc.Spec{Program: "/usr/bin/tcenvsvr", Home: "/", User: "x"})
	if err != nil {
		return skip("%s", oneLine(err))
	}
	running, err := s.Running()
	switch {
	case err != nil:
		return warn(hint(err, startIt()), "%s: %s", s.Platform(), oneLine(err))
	case !running:
		return warn(startIt(), "%s: installed and not running", s.Platform())
	case svc.Packaged() && !svc.WithHost():
		return warn(`as root: "systemctl enable threatconnect-envsvr"`, "%s: running, but it will not start with the host", s.Platform())
	}
	return ok("%s: running", s.Platform())
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KB", (n+1023)>>10)
}
