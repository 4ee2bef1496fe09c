package main

import (
	"go/format"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/cmd/tcenvsvr/internal/cli"
	"tcenvsvr/test/readme"
)

// TestReference keeps doc.go what the commands say of themselves, and README.md what the help topics say.
func TestReference(t *testing.T) {
	const command = "UPDATE=1 go test ./cmd/tcenvsvr -run Reference"
	want, err := format.Source([]byte(cli.Reference()))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("doc.go", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("doc.go is not up to date; run %s (-want +got):\n%s", command, diff)
	}

	topics := cli.Topics()
	delete(topics, "settings.yaml") // agent/settings/README.md has it with more columns
	delete(topics, "update-states") // updater/README.md, likewise
	readme.Renew(t, "README.md", command, topics)
	readme.Renew(t, "../../agent/app/README.md", command, map[string]string{"sample": "```python\n" + cli.Sample("hello") + "```"})
}
