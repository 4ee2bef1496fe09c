package ledger

import (
	"context"
	"time"

	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// bucketName is where executions are.
const bucketName = "executions"

// Trim removes ended executions from the bucket: those older than the retention, and the oldest
// where all need more than bytes (0 = no bound). It returns how many it removed. Executions that
// have not ended stay, whatever their age, and so do those that cannot be read.
func (l *Ledger) Trim(ctx context.Context, bytes int64) (int, error) {
	return l.cfg.Store.Trim(ctx, bucketName, retention.Bound{Age: l.cfg.Retention, Bytes: bytes}, func(_ string, value []byte) bool {
		rec, err := record.Decode(value)
		return err == nil && rec.Terminal()
	})
}

// ListsSince returns the time since which List knows all executions, by their creation, and true
// where it knows all there are.
func (l *Ledger) ListsSince() (since time.Time, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ended) < keepEnded {
		return time.Time{}, true
	}
	if e := l.entries[l.ended[l.next]]; e != nil {
		since = e.rec.Created
	}
	return since, false
}
