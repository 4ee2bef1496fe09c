package main

import (
	"go/format"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/cmd/tcenvsvr/internal/cli"
)

// TestReference keeps doc.go what the commands say of themselves.
func TestReference(t *testing.T) {
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
		t.Errorf("doc.go is not up to date; run UPDATE=1 go test ./cmd/tcenvsvr -run Reference (-want +got):\n%s", diff)
	}
}
