package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/settings"
)

// hopTimeout bounds each step of a network check.
const hopTimeout = 10 * time.Second

// proxyInUse says which proxy is used, and which of this host's is not: what other programs read in
// HTTPS_PROXY is no setting.
func proxyInUse(_ context.Context, t *target) outcome {
	s := t.settings
	if t.settingsErr != nil {
		return skip("the settings are not valid")
	}
	other, where := t.status.Settings.OtherProxy, "the service's environment"
	if other == nil {
		other, where = settings.FindOtherProxy(t.Environ), "this command's environment"
	}
	switch {
	case s.ProxyTC:
		return ok("%s is used to reach the cloud", t.dialer)
	case other != nil:
		try := fmt.Sprintf(`if the cloud is reached through it: "tcenvsvr settings set proxyTC=true proxyHost=%s proxyPort=%s"`, other.Host, cmp.Or(other.Port, "PORT"))
		return warn(try, "the proxy %s in %s of %s is not used: only that of the settings is", other.Host, other.Variable, where)
	case s.ProxyHost != "":
		return ok("%s is not used to reach the cloud (proxyTC is false)", s.ProxyHost)
	}
	return ok("none is set")
}

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
	var hosts []string
	add := func(host string) {
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, addr := range t.settings.BrokerAddrs() {
		host, _, _ := net.SplitHostPort(addr)
		add(host)
	}
	if u, err := url.Parse(t.settings.APIURL); err == nil {
		add(u.Hostname())
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
	return t.eachBroker(func(addr string) outcome {
		c, err := t.dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return t.failed(fault.Dialing(err))
		}
		_ = c.Close()
		return ok("%s answers %s", addr, t.via())
	})
}

// eachBroker looks at all brokers of the cloud. The agent needs one: that others are away is a warning.
func (t *target) eachBroker(look func(addr string) outcome) outcome {
	addrs := t.settings.BrokerAddrs()
	all := make([]outcome, len(addrs))
	var g errgroup.Group
	for i, addr := range addrs {
		g.Go(func() error { all[i] = look(addr); return nil })
	}
	_ = g.Wait() // none returns an error
	if len(all) == 1 {
		return all[0]
	}
	good := slices.ContainsFunc(all, func(o outcome) bool { return o.Verdict == OK || o.Verdict == Warning })
	var sum outcome
	var texts []string
	for i, o := range all {
		if good && (o.Verdict == Failed || o.Verdict == Skipped) {
			o.Verdict = Warning
		}
		if sum.Verdict == "" || severity[o.Verdict] > severity[sum.Verdict] {
			sum = o
		}
		texts = append(texts, addrs[i]+": "+o.Found)
	}
	sum.Found = strings.Join(texts, "; ")
	return sum
}

// severity orders what is found of several brokers.
var severity = map[Verdict]int{OK: 0, Skipped: 1, Warning: 2, Failed: 3}

// notReachable is the outcome of network checks that cannot be tried; nil where they can.
func (t *target) notReachable() *outcome {
	if s := t.notEnrolled(); s != nil {
		return s
	}
	if t.settings.ProxyTC && t.settings.ProxyPassword.Sealed() {
		s := skip("the proxy's password is sealed")
		return &s
	}
	return nil
}

// failed tells a fault of the way to the cloud. What is wrong with a proxy names it already.
func (t *target) failed(f *fault.Fault) outcome {
	if f.Step == fault.Proxy {
		return fail(f.Hint, "%s", f)
	}
	return fail(f.Hint, "%s, %s", f, t.via())
}

func (t *target) via() string {
	if name := t.dialer.String(); name != "" {
		return "through proxy " + name
	}
	return "directly"
}
