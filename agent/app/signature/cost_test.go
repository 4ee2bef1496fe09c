package signature

import "testing"

func TestCostIsLibsodiums(t *testing.T) {
	for name, c := range map[string]struct {
		ops, mem uint64
		n, r, p  int
	}{
		"interactive":   {524288, 16 << 20, 1 << 14, 8, 1},
		"sensitive":     {33554432, 1 << 30, 1 << 20, 8, 1},
		"ours":          {ops, mem, 1 << 18, 8, 1},
		"much memory":   {1 << 20, 1 << 30, 1 << 15, 8, 1},
		"little memory": {1 << 25, 16 << 20, 1 << 14, 8, 64},
		"nothing":       {0, 0, 2, 8, 512},
	} {
		if n, r, p := cost(c.ops, c.mem); n != c.n || r != c.r || p != c.p {
			t.Errorf("%s: got N=%d r=%d p=%d, want N=%d r=%d p=%d", name, n, r, p, c.n, c.r, c.p)
		}
	}
}
