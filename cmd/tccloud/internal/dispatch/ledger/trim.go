package ledger

import (
	"context"

	"tcenvsvr/cmd/tccloud/internal/dispatch/archive"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// bucketName is where executions are that have not ended, or not long ago.
const bucketName = "executions"

// Mine reports whether this gateway has the lease of the archive, and with it the task to remove what
// is too old or too much. It has not before it knows all executions.
func (l *Ledger) Mine() bool {
	select {
	case <-l.ready:
		return l.archive.Mine()
	default:
		return false
	}
}

// ForgetEnvironments removes from memory what was counted of Environments that known does not know, once no
// execution of theirs is in memory.
func (l *Ledger) ForgetEnvironments(known func(string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, e := range l.envs {
		if len(e.days) == 0 && e.running == 0 && e.queue.Len() == 0 && !known(name) {
			delete(l.envs, name)
		}
	}
}

// Trim removes ended executions: those older than the retention, and the oldest where all need more
// than bytes (0 = no bound). It returns how many it removed. Executions that have not ended stay,
// whatever their age, and so do those that cannot be read. It does nothing in a gateway without the
// archive's lease.
func (l *Ledger) Trim(ctx context.Context, bytes int64) (int, error) {
	if !l.Mine() {
		return 0, nil
	}
	n, err := l.cfg.Store.Trim(ctx, bucketName, retention.Bound{Age: l.cfg.Retention, Bytes: bytes / 2}, func(_ string, value []byte) bool {
		rec, err := record.Decode(value)
		return err == nil && rec.Terminal()
	})
	if err != nil {
		return n, err
	}
	archived, err := l.archive.Trim(ctx, archive.Bound{Age: l.cfg.Retention, Bytes: bytes / 2})
	return n + archived, err
}
