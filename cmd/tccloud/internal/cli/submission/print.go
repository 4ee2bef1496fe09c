package submission

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tcenvsvr/cmd/internal/cli"
)

// checked says in words how sure it is which package runs.
var checked = map[string]string{
	"package": "compared with the local package",
	"sha256":  "compared with --sha256",
	"name":    "only name and version compared: the cloud chose the package",
}

// Print prints the report for people.
func (r Report) Print(w io.Writer) {
	pairs := []any{
		"order", r.Order, "environment", r.Environment, "app", r.App.Name + "@" + r.App.Version,
		"package", fmt.Sprintf("%d bytes, SHA-256 %s; %s", r.App.Size, r.App.SHA256, checked[r.AppCheckedBy]), "runtime", r.Runtime,
	}
	for _, from := range []struct{ is, what string }{
		{"given", "parameters given"}, {"sealed", "parameters sealed"}, {"default", "defaults of the package"}, {"cloud", "defaults, as the cloud says"},
	} {
		var words []string
		for _, p := range r.Params {
			if p.From == from.is {
				words = append(words, assign(p.Name, p.Value))
			}
		}
		pairs = append(pairs, from.what, strings.Join(words, ", "))
	}
	var platform []string
	for _, name := range slices.Sorted(maps.Keys(r.Platform)) {
		platform = append(platform, assign(name, r.Platform[name]))
	}
	var to []string
	for _, s := range r.SealedTo {
		to = append(to, s.Name+" "+s.Fingerprint)
	}
	pairs = append(pairs, "sealed to", strings.Join(to, ", "), "set by the cloud", strings.Join(platform, ", "), "key-value context", r.KVContext,
		"output variables", strings.Join(r.OutVariables, ", "), "timeout", time.Duration(r.TimeoutMS)*time.Millisecond, "priority", r.Priority,
		"retryable", r.Retryable, "limits", r.Limits, "signed by key", r.KeyID, "to start until", r.NotAfter)
	cli.Facts(w, pairs...)
}

func assign(name, value string) string {
	if value == "" {
		return name
	}
	return fmt.Sprintf("%s=%.80q", name, value)
}
