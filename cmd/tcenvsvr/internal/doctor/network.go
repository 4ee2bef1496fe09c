package doctor

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"tcenvsvr/agent/link/fault"
)

// hopTimeout bounds each step of a network check.
const hopTimeout = 10 * time.Second

func dns(ctx context.Context, t *target) outcome {
	if s := t.notEnrolled(); s != nil {
		return *s
	}
	if t.settings.ProxyTC {
		return ok("the proxy looks up the cloud's names")
	}
	ctx, cancel := context.WithTimeout(ctx, hopTimeout)
	defer cancel()
	var found []string
	for _, host := range t.hosts() {
		addresses, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return fail("check /etc/resolv.conf, brokerHost and apiURL; behind a proxy set proxyHost and proxyTC", "%q: %v", host, err)
		}
		found = append(found, fmt.Sprintf("%s is %s", host, strings.Join(addresses, ", ")))
	}
	return ok("%s", strings.Join(found, "; "))
}

// hosts are the names of the cloud's hosts, each once.
func (t *target) hosts() []string {
	host, _, _ := net.SplitHostPort(t.settings.BrokerAddr())
	hosts := []string{host}
	if u, err := url.Parse(t.settings.APIURL); err == nil && u.Hostname() != host {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

// brokerTCP opens a connection, through the proxy where there is one, and so checks the proxy's
// name, port and password as well.
func brokerTCP(ctx context.Context, t *target) outcome {
	if s := t.notReachable(); s != nil {
		return *s
	}
	ctx, cancel := context.WithTimeout(ctx, hopTimeout)
	defer cancel()
	c, err := t.dialer.DialContext(ctx, "tcp", t.settings.BrokerAddr())
	if err != nil {
		f := fault.Dialing(err)
		return fail(f.Hint, "%s %s", f, t.via())
	}
	_ = c.Close()
	return ok("%s answers %s", t.settings.BrokerAddr(), t.via())
}

// notReachable is the outcome of network checks that cannot be tried; nil where they can.
func (t *target) notReachable() *outcome {
	if s := t.notEnrolled(); s != nil {
		return s
	}
	if t.settings.ProxyTC && t.settings.ProxyPassword.Sealed() {
		s := skip("the proxy's password is sealed")
		return &s
	}
	if t.dialerErr != nil {
		s := fail("check the proxy settings", "%s", oneLine(t.dialerErr))
		return &s
	}
	return nil
}

func (t *target) via() string {
	if name := t.dialer.String(); name != "" {
		return "through proxy " + name
	}
	return "directly"
}
