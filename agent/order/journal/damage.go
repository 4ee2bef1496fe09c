package journal

import (
	"fmt"
	"strings"

	"tcenvsvr/agent/link/wire"
)

// Damage says what was wrong with the journal when it was opened and has been mended since; "" if
// nothing was.
func (j *Journal) Damage() string { return strings.Join(j.damage, "; ") }

// Made reports whether there was no journal, nor a copy of an entry, and Open made one.
func (j *Journal) Made() bool { return j.log.made && len(j.damage) == 0 }

// restore corrects the entries of a log that is damaged or a copy, and reports whether it changed
// any.
//
// If the copy of an entry has come further than the log, the copy counts. If the log is damaged,
// every other entry without a result may have been started: the record of that may be what is
// damaged. A log that was written at another place is a copy, and entries without a result belong
// to the original.
func (j *Journal) restore() (changed bool, err error) {
	j.damage = j.log.damage
	if j.log.copied {
		j.dropForeign()
	}
	copied, err := j.copies.all()
	if err != nil {
		return false, err
	}
	restored := 0
	for _, e := range copied {
		if old := j.entries[e.Order.Ref]; old == nil || progress(old) < progress(e) {
			e.Mended = true
			j.entries[e.Order.Ref] = e
			restored++
		}
	}
	if restored > 0 {
		j.damage = append(j.damage, fmt.Sprintf("orders restored from their copies: %d", restored))
	}
	if len(j.damage) == 0 {
		return j.log.copied, nil
	}
	if !j.log.copied {
		for ref, e := range j.entries {
			if e.Result == nil && e.State == wire.StateAccepted {
				unsure := *e
				unsure.State, unsure.Hold, unsure.Mended = wire.StateRunning, false, true
				unsure.dropSecrets()
				j.entries[ref] = &unsure
			}
		}
	}
	j.logger.Error("the journal was damaged", "dir", j.dir, "damage", j.Damage())
	return true, nil
}

// dropForeign drops the entries that only the original may go on with.
func (j *Journal) dropForeign() {
	dropped := 0
	for ref, e := range j.entries {
		if e.Result == nil {
			delete(j.entries, ref)
			dropped++
		}
	}
	j.logger.Error("the journal is a copy of another agent's: orders without a result are left to that agent", "dir", j.dir, "orders", dropped)
}

// progress is how far an entry has come.
func progress(e *Entry) int {
	switch {
	case e.Result != nil:
		return 2
	case e.State == wire.StateAccepted:
		return 0
	}
	return 1
}
