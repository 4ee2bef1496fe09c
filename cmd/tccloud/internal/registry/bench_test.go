package registry_test

import (
	"testing"

	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// lab is a registry with one Environment.
func lab(b *testing.B) *registry.Registry {
	b.Helper()
	s, err := store.Open(b.Context(), store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	ca, err := pki.OpenAuthority(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	kv, err := s.KV(b.Context(), registry.Bucket, store.KVOptions{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := registry.Open(b.Context(), registry.Config{KV: kv, Authority: ca})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := r.CreateEnvironment(b.Context(), "lab", ""); err != nil {
		b.Fatal(err)
	}
	return r
}

// What one of 9,000 agents that come back at once costs here.
func BenchmarkAuthenticate(b *testing.B) {
	r := lab(b)
	i, err := r.Issue(b.Context(), registry.Request{Environment: "lab"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Authenticate(b.Context(), i.XID, i.BrokerToken, i.Certificate); err != nil {
			b.Fatal(err)
		}
	}
}

// What a bundle costs besides its ZIP: a key, a certificate and a durable record.
func BenchmarkIssue(b *testing.B) {
	r := lab(b)
	for b.Loop() {
		if _, err := r.Issue(b.Context(), registry.Request{Environment: "lab"}); err != nil {
			b.Fatal(err)
		}
	}
}
