package enroll

import (
	"testing"

	"tcenvsvr/agent/settings"
)

func TestProxyHint(t *testing.T) {
	environ := []string{"HTTPS_PROXY=http://joe:s3cr3t@proxy:3128"}
	const want = "\nhint: the proxy that HTTPS_PROXY names is not used unless it is given: --proxyTC true --proxyHost proxy --proxyPort 3128"
	if got := proxyHint(environ, settings.Settings{}); got != want {
		t.Errorf("got %q", got)
	}
	if got := proxyHint(environ, settings.Settings{ProxyTC: true}) + proxyHint(nil, settings.Settings{}); got != "" {
		t.Errorf("got %q where there is nothing to offer", got)
	}
}
