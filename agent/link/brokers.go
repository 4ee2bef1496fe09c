package link

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// broker is one of those that the cloud has.
type broker struct {
	host, addr string
	named      bool      // by the cloud alone: it must prove more, see [Config.Pinned]
	failed     time.Time // when it failed last; zero since it worked
}

// parseBrokers reads Config.Address.
func parseBrokers(address string) ([]*broker, error) {
	var all []*broker
	for text := range strings.SplitSeq(address, ",") {
		host, port, err := net.SplitHostPort(text)
		if err != nil { // no port
			host, port = strings.Trim(text, "[]"), DefaultPort
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || host == "" || strings.ContainsAny(host, "/@ ") {
			return nil, fmt.Errorf("setting up the link: brokerHost %q is not a host or host:port", text)
		}
		all = append(all, &broker{host: host, addr: net.JoinHostPort(host, port)})
	}
	if len(all) > wire.MaxBrokers {
		return nil, fmt.Errorf("setting up the link: brokerHost names %d brokers, at most %d are possible", len(all), wire.MaxBrokers)
	}
	return all, nil
}

// order returns the brokers as they are to be tried: in random order, so that agents spread over
// them, but those that failed come last, the one that failed longest ago first.
func (l *Link) order() []*broker {
	l.lookUp()
	all := slices.Clone(l.brokers)
	for i := len(all) - 1; i > 0; i-- {
		j := l.random(int64(i + 1))
		all[i], all[j] = all[j], all[i]
	}
	slices.SortStableFunc(all, func(a, b *broker) int { return a.failed.Compare(b.failed) })
	return all
}

// lookUp takes over the brokers that the cloud names now.
func (l *Link) lookUp() {
	if l.conf.Directory == nil {
		return
	}
	own := slices.Clone(l.brokers)
	own = slices.DeleteFunc(own, func(b *broker) bool { return b.named })
	before := l.brokers
	l.brokers = own
	for _, addr := range l.conf.Directory.Brokers() {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			continue
		}
		b := &broker{host: host, addr: addr, named: true}
		if i := slices.IndexFunc(before, func(old *broker) bool { return old.named && old.addr == addr }); i >= 0 {
			b = before[i] // with how it did
		}
		l.brokers = append(l.brokers, b)
	}
}

// firstPatience is how long a step of connecting may take while there are other brokers to try. It
// doubles with each round in which all failed: the network may be slow.
const firstPatience = 3 * time.Second

// within bounds a step of connecting to one of the brokers.
func (l *Link) within(limit time.Duration) time.Duration {
	if len(l.brokers) == 1 || l.rounds > 4 {
		return limit
	}
	return min(limit, firstPatience<<l.rounds)
}

// judge remembers how an attempt at b ended, and reports whether another broker may be better: not
// where this server is refused, which all of them would do.
func (l *Link) judge(b *broker, e *ended) (another bool) {
	if e.own {
		return false
	}
	b.failed = time.Now()
	if e.lasted > 0 {
		return false // a pause comes first, because a gateway that fails loses all its agents at once
	}
	switch e.fault.Code {
	case "tls.settings", "hello.invalid":
		return false
	case "hello." + fault.Code(wire.CodeRetryLater), "hello." + fault.Code(wire.CodeShutdown), "hello.timeout", "hello.closed":
		return true
	}
	return e.fault.Step != fault.Hello
}
