package operator

import (
	"maps"
	"slices"
	"time"
)

// Time shows t by the local clock, and nothing for the zero time.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// Yes shows a boolean.
func Yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Sorted returns the keys of m in order.
func Sorted[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
