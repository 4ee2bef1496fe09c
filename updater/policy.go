package updater

import (
	"fmt"
	"strings"
	"time"
)

// Mode says what the agent does about a release that the cloud wants.
type Mode string

// The modes.
const (
	Self    Mode = "self"    // download, install, restart
	Notify  Mode = "notify"  // tell that there is one; "update apply" installs it
	Package Mode = "package" // tell that there is one; the package manager installs it
	Off     Mode = "off"     // do not ask the cloud
)

// Policy is what the administrator set (updateMode, updateWindow, updateRateKilobytes).
type Policy struct {
	Mode   Mode
	Window Window
	Rate   int // of downloads, in bytes a second; 0 = no limit
}

// Window is when a release may be installed, in local time. The zero value means always.
type Window struct {
	days     [7]bool // by time.Weekday of the beginning
	from, to int     // minutes of the day; to <= from ends on the next day
	set      bool
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads a window such as "22:00-04:00" or "sat,sun 01:00-05:00". A window that ends
// before it begins ends on the next day; "" means always.
func ParseWindow(text string) (Window, error) {
	w := Window{set: true}
	fields := strings.Fields(strings.ToLower(text))
	switch len(fields) {
	case 0:
		return Window{}, nil
	case 1:
		w.days = [7]bool{true, true, true, true, true, true, true}
	case 2:
		for _, name := range strings.Split(fields[0], ",") {
			day := -1
			for i, d := range weekdays {
				if d == name {
					day = i
				}
			}
			if day < 0 {
				return Window{}, windowError(text)
			}
			w.days[day] = true
		}
	default:
		return Window{}, windowError(text)
	}
	var fromH, fromM, toH, toM int
	hours := fields[len(fields)-1]
	if n, err := fmt.Sscanf(hours, "%d:%d-%d:%d", &fromH, &fromM, &toH, &toM); err != nil || n != 4 ||
		hours != fmt.Sprintf("%02d:%02d-%02d:%02d", fromH, fromM, toH, toM) ||
		fromH < 0 || fromH > 23 || toH < 0 || toH > 24 || fromM < 0 || fromM > 59 || toM < 0 || toM > 59 || toH == 24 && toM > 0 {
		return Window{}, windowError(text)
	}
	w.from, w.to = fromH*60+fromM, toH*60+toM
	if w.from == w.to {
		return Window{}, windowError(text)
	}
	return w, nil
}

func windowError(text string) error {
	return fmt.Errorf("reading window %q: want e.g. 22:00-04:00 or sat,sun 01:00-05:00", text)
}

// Open reports whether now is inside the window, and otherwise how long it takes until it begins.
func (w Window) Open(now time.Time) (bool, time.Duration) {
	if !w.set {
		return true, 0
	}
	now = now.Local()
	for day := -1; day <= 7; day++ {
		midnight := time.Date(now.Year(), now.Month(), now.Day()+day, 0, 0, 0, 0, now.Location())
		if !w.days[midnight.Weekday()] {
			continue
		}
		from := at(midnight, w.from)
		to := at(midnight, w.to)
		if w.to <= w.from {
			to = at(midnight.AddDate(0, 0, 1), w.to)
		}
		switch {
		case now.Before(from):
			return false, from.Sub(now)
		case now.Before(to):
			return true, 0
		}
	}
	return false, 7 * 24 * time.Hour
}

// at is a time of that day by the wall clock, also on days on which clocks change.
func at(midnight time.Time, minutes int) time.Time {
	return time.Date(midnight.Year(), midnight.Month(), midnight.Day(), minutes/60, minutes%60, 0, 0, midnight.Location())
}
