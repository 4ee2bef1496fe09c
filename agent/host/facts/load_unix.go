//go:build unix

package facts

import (
	"context"

	"github.com/shirou/gopsutil/v4/load"
)

func load1(ctx context.Context) (float64, error) {
	avg, err := load.AvgWithContext(ctx)
	if err != nil {
		return 0, err
	}
	return avg.Load1, nil
}
