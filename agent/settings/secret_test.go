package settings

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	type holder struct {
		Shown  Secret
		hidden Secret
	}
	s := NewSecret("hunter2")
	h := holder{s, s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, &s, h)
	}
	fmt.Fprintln(&out, s, h, []Secret{s}, map[string]Secret{"k": s}, fmt.Errorf("using %v", s), h.hidden)
	for _, l := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(l).Info("m", "s", s, "h", h, "p", &s)
	}
	for _, v := range []any{s, h, map[string]any{"k": s}} {
		j, _ := json.Marshal(v)
		x, _ := xml.Marshal(v)
		y, _ := yaml.Parser().Marshal(map[string]any{"v": v})
		out.Write(append(append(j, x...), y...))
	}
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2")} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret is in the output as %q:\n%s", form, &out)
		}
	}
	if s.Reveal() != "hunter2" || !s.Equal(NewSecret("hunter2")) || s.Equal(Secret{}) || !NewSecret("").Empty() {
		t.Error("Reveal, Equal or Empty is wrong")
	}
}
