package audit

import (
	"fmt"
	"time"
)

// Orders that are denied or refused come as fast as whoever controls the cloud sends them. So that they do
// not push everything else out of the log, what is equal but for the order is said a few times, and then how
// often it came again, ever less often.
const (
	firstTimes = 20 // of a kind that are said one by one
	firstPause = 10 * time.Minute
	mostPause  = 2 * time.Hour
	mostKinds  = 32 // at a time; all others of an act are one kind
)

// repeats counts, by what is equal.
type repeats map[string]*repeated

type repeated struct {
	act   Act
	attrs []any // of the last one
	said  int   // one by one
	count int   // since it was said
	pause time.Duration
	next  time.Time // when it may be said again
}

// repeatable reports whether others decide how often the act comes.
func (a Act) repeatable() bool { return a == OrderDenied || a == OrderRefused }

// add reports whether one more is to be said now, with which attributes.
func (r repeats) add(now time.Time, act Act, attrs []any) ([]any, bool) {
	key := kind(act, attrs)
	if r[key] == nil && len(r) >= mostKinds {
		key = string(act)
	}
	one := r[key]
	if one == nil {
		r[key] = &repeated{act: act, attrs: attrs, said: 1, pause: firstPause, next: now.Add(firstPause)}
		return attrs, true
	}
	if one.said < firstTimes && one.count == 0 {
		one.said, one.attrs, one.next = one.said+1, attrs, now.Add(one.pause)
		return attrs, true
	}
	one.count++
	one.attrs = attrs
	if now.Before(one.next) {
		return nil, false
	}
	return one.say(now), true
}

// say begins the next pause.
func (r *repeated) say(now time.Time) []any {
	attrs := append(r.attrs[:len(r.attrs):len(r.attrs)], "repeated", r.count)
	r.pause = min(2*r.pause, mostPause)
	r.count, r.next = 0, now.Add(r.pause)
	return attrs
}

// due calls say for what came again and is not said yet, though its pause is over; with all also for what is
// in its pause. What has not come again is forgotten.
func (r repeats) due(now time.Time, all bool, say func(Act, []any)) {
	for key, one := range r {
		switch over := !now.Before(one.next); {
		case one.count > 0 && (over || all):
			say(one.act, one.say(now))
		case over:
			delete(r, key)
		}
	}
}

// kind is what acts that differ by their orders have in common.
func kind(act Act, attrs []any) string {
	var same []any
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i] != "order" {
			same = append(same, attrs[i], attrs[i+1])
		}
	}
	return fmt.Sprintf("%s %q", act, same)
}
