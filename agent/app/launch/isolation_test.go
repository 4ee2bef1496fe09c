package launch

import "testing"

func TestInstallation(t *testing.T) {
	hidden := []string{"/opt/envsvr", "/srv/agent/home"}
	for interpreter, want := range map[string]string{
		"/opt/envsvr/python/bin/python3.11": "/opt/envsvr/python",
		"/usr/bin/python3.11":               "/usr",
		"/opt/bin/python3.11":               "/opt/bin",
		"/opt/python3.11":                   "/opt/python3.11",
		"/srv/agent/python3.11":             "/srv/agent/python3.11",
		"/bin/python3":                      "/bin",
		"/tmp/bin/python3":                  "/tmp/bin",
		"/tmp/python3":                      "/tmp/python3",
	} {
		if got := installation(interpreter, hidden); got != want {
			t.Errorf("%s: got %s, want %s", interpreter, got, want)
		}
	}
}
