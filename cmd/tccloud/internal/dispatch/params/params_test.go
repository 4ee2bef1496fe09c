package params

import (
	"strings"
	"testing"
)

// TestInputs: where parameters are kept follows their size.
func TestInputs(t *testing.T) {
	for name, tt := range map[string]struct {
		size          int
		object, https bool
		want          string
	}{
		"small":     {100, false, false, ""},
		"object":    {maxInline, true, false, ""},
		"by HTTPS":  {maxFrame, true, true, ""},
		"too large": {maxSize, false, false, "bytes of parameters, at most"},
	} {
		secret := strings.Repeat("s", tt.size)
		in, content, err := Inputs("id", map[string]string{"password": secret}, map[string]string{"d": "1"})
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sss") {
				t.Errorf("%s: got %.100v", name, err)
			}
			continue
		}
		if err != nil || len(content) < tt.size || in.Defaults["d"] != "1" {
			t.Errorf("%s: %d bytes, %v", name, len(content), err)
			continue
		}
		if (in.Object == "id") != tt.object || in.ByHTTPS != tt.https || (in.Params["password"] == secret) == tt.object {
			t.Errorf("%s: object %q, by HTTPS %v, %d parameters in the record", name, in.Object, in.ByHTTPS, len(in.Params))
		}
	}
}
