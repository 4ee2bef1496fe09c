package schedule

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // not every host has the zones

	"github.com/netresearch/go-cron"
)

// Bounds of "every": a minute is what cron knows, and a year is enough.
const (
	Shortest = time.Minute
	Longest  = 366 * 24 * time.Hour
)

// maxText bounds the text of a schedule in bytes.
const maxText = 256

// Schedule is a sequence of times. The zero Schedule has none.
type Schedule struct {
	next func(after time.Time) time.Time
}

var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads a schedule, see the package documentation. zone is a name of the IANA database; "" is
// UTC.
func Parse(text, zone string) (Schedule, error) {
	location, err := load(zone)
	if err != nil || zone == "Local" {
		return Schedule{}, fmt.Errorf("time zone %.60q is unknown: use a name such as Europe/Berlin", zone)
	}
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		return Schedule{}, fmt.Errorf("the schedule has %d bytes, at most %d are possible", len(text), maxText)
	}
	kind, rest, _ := strings.Cut(text, " ")
	switch kind {
	case "":
		return Schedule{}, nil
	case "once":
		return once(strings.TrimSpace(rest), location)
	case "every", "@every":
		return every(strings.TrimSpace(rest))
	}
	return byCron(text, location)
}

// zones has the time zones that were used: reading one takes a hundred times as long as all else.
var zones struct {
	sync.Mutex
	known map[string]*time.Location
}

// maxZones is more than there are; some have several names.
const maxZones = 2000

func load(zone string) (*time.Location, error) {
	zones.Lock()
	defer zones.Unlock()
	if z := zones.known[zone]; z != nil {
		return z, nil
	}
	z, err := time.LoadLocation(zone)
	if err == nil && len(zones.known) < maxZones {
		if zones.known == nil {
			zones.known = map[string]*time.Location{}
		}
		zones.known[zone] = z
	}
	return z, err
}

// onceForms are the ways to write a time; those without an offset are in the schedule's zone.
var onceForms = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}

func once(text string, zone *time.Location) (Schedule, error) {
	for _, form := range onceForms {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			return Schedule{func(after time.Time) time.Time {
				if at.After(after) {
					return at
				}
				return time.Time{}
			}}, nil
		}
	}
	return Schedule{}, fmt.Errorf("time %.60q is none: write it as 2026-12-24T18:00", text)
}

func every(text string) (Schedule, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("%.60q is no duration: write it as 15m or 6h", text)
	}
	if d < Shortest || d > Longest || d%time.Second != 0 {
		return Schedule{}, fmt.Errorf("every %s is outside %s–%s, or has parts of a second", d, Shortest, Longest)
	}
	return Schedule{func(after time.Time) time.Time {
		step := int64(d / time.Second)
		n := after.Unix()
		if n < 0 {
			return time.Time{}
		}
		return time.Unix(n-n%step+step, 0)
	}}, nil
}

func byCron(text string, zone *time.Location) (Schedule, error) {
	if strings.Contains(text, "TZ=") {
		return Schedule{}, fmt.Errorf("schedule %.60q has a time zone: it is a setting of its own", text)
	}
	parsed, err := parser.Parse(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %.60q: %w", text, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, fmt.Errorf("schedule %.60q is not known", text)
	}
	fields := strings.Fields(text)
	if text == "@hourly" || len(fields) > 1 && strings.HasPrefix(fields[1], "*") {
		spec.Location = zone
		return Schedule{spec.Next}, nil
	}
	spec.Location = time.UTC // stands for the zone's wall clock, which in there never changes
	return Schedule{func(after time.Time) time.Time {
		for w := wall(after.Add(-mostShift).In(zone)); ; {
			if w = spec.Next(w); w.IsZero() {
				return w
			}
			if t := instant(w, zone); t.After(after) {
				return t
			}
		}
	}}, nil
}

// mostShift is more than clocks are ever changed by.
const mostShift = 3 * time.Hour

// wall is what a clock on the wall shows, as if it were UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}

// instant is when a clock on the wall shows w: for the first time, if it does so twice; if it never
// does, when it would have without the change that leaves w out.
func instant(w time.Time, zone *time.Location) time.Time {
	t := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, zone)
	_, before := t.Add(-mostShift).Zone()
	first := time.Unix(w.Unix()-int64(before), 0).In(zone)
	if !wall(t).Equal(w) || wall(first).Equal(w) {
		return first
	}
	return t
}

// Next returns the first time after the given one; zero if there is none.
func (s Schedule) Next(after time.Time) time.Time {
	if s.next == nil {
		return time.Time{}
	}
	return s.next(after)
}
