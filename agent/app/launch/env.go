package launch

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// environment is the App's whole environment; the App inherits nothing from the agent.
func (b *builder) environment(interpreterDir string) ([]string, error) {
	params, err := b.paramFile()
	if err != nil {
		return nil, err
	}
	env := append(systemEnv(b.tmp),
		"PATH="+strings.Join(append([]string{interpreterDir}, usualPath...), string(os.PathListSeparator)),
		"LANG=C.UTF-8",
		"HOME="+b.tmp,
		"TMPDIR="+b.tmp,
		"PYTHONUNBUFFERED=1",
		// All runs share the App's folder. Where it is writable (no sandbox user), Python must not
		// change it. Bytecode comes from package bytecode.
		"PYTHONDONTWRITEBYTECODE=1",
	)
	env = append(env, b.proxyEnv()...)
	env = append(env, b.execution.TrustEnv...)
	return append(env, params...), nil
}

// proxyEnv names the external proxy for libraries, in both spellings. The platform is excepted,
// unless the proxy is for the platform as well.
func (b *builder) proxyEnv() []string {
	p := b.execution.Proxy
	if p.Host == "" || !p.External {
		return nil
	}
	u := url.URL{Scheme: cmp.Or(p.Scheme, "http"), Host: net.JoinHostPort(p.Host, strconv.Itoa(p.Port))}
	if p.Username != "" {
		u.User = url.UserPassword(p.Username, p.Password)
	}
	direct := "localhost,127.0.0.1,::1"
	if api, err := url.Parse(b.execution.APIPath); err == nil && !p.TC && api.Hostname() != "" {
		direct += "," + api.Hostname()
	}
	var env []string
	for name, value := range map[string]string{"http_proxy": u.String(), "https_proxy": u.String(), "no_proxy": direct} {
		env = append(env, name+"="+value)
		if upperCaseToo {
			env = append(env, strings.ToUpper(name)+"="+value)
		}
	}
	return env
}

// proxyOptions are the options of the external proxy for Java, which has none for the password.
func (b *builder) proxyOptions() []string {
	p := b.execution.Proxy
	if p.Host == "" || !p.External {
		return nil
	}
	var options []string
	if p.Scheme == "socks5" {
		return []string{"-DsocksProxyHost=" + p.Host, fmt.Sprintf("-DsocksProxyPort=%d", p.Port)}
	}
	for _, scheme := range []string{"http", "https"} {
		options = append(options, fmt.Sprintf("-D%s.proxyHost=%s", scheme, p.Host), fmt.Sprintf("-D%s.proxyPort=%d", scheme, p.Port))
	}
	direct := "localhost|127.*|[::1]"
	if api, err := url.Parse(b.execution.APIPath); err == nil && !p.TC && api.Hostname() != "" {
		direct += "|" + api.Hostname()
	}
	return append(options, "-Dhttp.nonProxyHosts="+direct)
}
