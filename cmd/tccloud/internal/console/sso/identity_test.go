package sso

import (
	"encoding/json"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// FuzzClaims: whatever a provider writes into a token, only its table gives a role, and only true and
// "true" verify an address.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{"groups":["admins"],"email_verified":"true"}`, `{"groups":"admins"}`, `{"groups":[null,1]}`, `{"email_verified":{}}`, `{"groups":null}`, `[]`} {
		f.Add([]byte(s))
	}
	p := &Provider{Config: Config{Roles: map[string]access.Role{"admins": access.Administrator}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c claims
		var all struct {
			Groups   list            `json:"groups"`
			Verified json.RawMessage `json:"email_verified"`
		}
		if json.Unmarshal(data, &c) != nil || json.Unmarshal(data, &all) != nil {
			return
		}
		if v := string(all.Verified); bool(c.EmailVerified) != (v == "true" || v == `"true"`) {
			t.Errorf("%s verifies: %t", v, c.EmailVerified)
		}
		member := false
		for _, g := range all.Groups {
			member = member || g == "admins"
		}
		if got := p.role(all.Groups); (got == access.Administrator) != member || !member && got != "" {
			t.Errorf("%q give %q", all.Groups, got)
		}
	})
}
