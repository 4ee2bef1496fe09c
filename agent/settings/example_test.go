package settings_test

import (
	"fmt"
	"os"
	"path/filepath"

	"tcenvsvr/agent/settings"
)

// The environment wins over the file, a flag over both.
func ExampleLoad() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "settings.yaml")
	if err := settings.Set(file, map[string]string{"serverName": "one", "appsNumberofJobExecutors": "4", "proxyPassword": "hunter2"}, nil); err != nil {
		fmt.Println(err)
		return
	}
	s, origins, err := settings.Load(settings.Options{
		File:      file,
		Env:       []string{"TCENVSVR_SERVERNAME=two"},
		Overrides: map[string]string{"appsNumberofJobExecutors": "8"},
	})
	fmt.Println(s.ServerName, "from the", origins["serverName"].Layer)
	fmt.Println(s.JobExecutors, "from the", origins["appsNumberofJobExecutors"].Layer)
	fmt.Println(s.ProxyPassword, err)
	// Output:
	// two from the environment
	// 8 from the flag
	// [redacted] <nil>
}
