package proc

import "testing"

func TestGroup(t *testing.T) {
	for text, want := range map[string]string{
		"0::/system.slice/a.service\n":                                "/system.slice/a.service",
		"4:memory:/x\n1:name=systemd:/system.slice/a.service\n0::/\n": "/system.slice/a.service",
		"0::/user.slice/session-1.scope:odd\n":                        "/user.slice/session-1.scope:odd",
		"0::/system.slice/tc-job@1.service/tc-shim\n":                 "/system.slice/tc-job@1.service",
		"0::/system.slice/tc-job@1.service/tc-job-7-8\n":              "/system.slice/tc-job@1.service",
		"": "",
		"11:cpu,cpuacct:/a\n10:name=systemd:/b.service\n0::/system.slice\n": "/b.service",
	} {
		if got := group([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
