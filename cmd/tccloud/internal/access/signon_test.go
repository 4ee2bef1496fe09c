package access

import (
	"context"
	"errors"
	"strings"
	"testing"
)

const issuer = "https://sso.example"

// entered signs in by single sign-on.
func entered(t *testing.T, u *Users, id Identity) Principal {
	t.Helper()
	p, err := u.SignInBy(t.Context(), "192.0.2.1", id)
	if err != nil || p.How != BySingleSignOn {
		t.Fatalf("got %+v, %v", p, err)
	}
	return p
}

// TestSingleSignOn: a subject is of one user, and of no other provider.
func TestSingleSignOn(t *testing.T) {
	g, _, _ := gateways(t, 1)
	u := g[0]
	s := Subject{issuer, "4711"}
	if _, err := u.Create(t.Context(), NewUser{Name: "ada", Role: Viewer, Subject: &s}); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Create(t.Context(), NewUser{Name: "bob", Role: Administrator, Subject: &s}); !errors.Is(err, ErrExists) {
		t.Errorf("got %v", err)
	}
	if p := entered(t, u, Identity{Subject: s, Name: "root", Role: Administrator}); p.Name != "ada" || p.Role != Viewer {
		t.Errorf("got %+v", p)
	}
	for _, other := range []Subject{{}, {"https://evil.example", "4711"}, {issuer, "4712"}, {"", "4711"}, {issuer, "47\x0011"}, {issuer, strings.Repeat("1", 256)}} {
		if p, err := u.SignInBy(t.Context(), "192.0.2.1", Identity{Subject: other, Name: "ada"}); !errors.Is(err, ErrNoUser) {
			t.Errorf("%+v is %+v", other, p)
		}
	}
	if _, err := u.SignIn(t.Context(), "192.0.2.1", "ada", ""); !errors.Is(err, ErrSignIn) {
		t.Errorf("without a password: got %v", err)
	}
	off := true
	if _, err := u.Change(t.Context(), "ada", Change{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	if _, err := u.SignInBy(t.Context(), "192.0.2.1", Identity{Subject: s, Role: Administrator}); !errors.Is(err, ErrNoUser) {
		t.Errorf("disabled: got %v", err)
	}
	if _, err := u.Create(t.Context(), NewUser{Name: "eve", Role: Viewer, Subject: &Subject{ID: "1"}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a subject of no provider: got %v", err)
	}
	u.issuer = issuer
	if e, err := u.Create(t.Context(), NewUser{Name: "eve", Role: Viewer, Subject: &Subject{ID: "1"}}); err != nil || e.Subject.Issuer != issuer {
		t.Errorf("got %+v, %v", e, err)
	}
}

// TestEmail: who comes first with an address that an administrator has named is the user from then on,
// and nobody else by that address.
func TestEmail(t *testing.T) {
	g, _, _ := gateways(t, 2)
	u := g[0]
	if _, err := u.Create(t.Context(), NewUser{Name: "ada", Role: Operator, Email: "Ada@Example.com"}); err != nil {
		t.Fatal(err)
	}
	const noAddress = "want NAME@HOST in printable ASCII"
	for _, tt := range []struct {
		bad  NewUser
		want string
	}{
		{NewUser{Email: "ada@example.COM"}, `user "ada" with this single sign-on: exists already`},
		{NewUser{Email: "ada"}, noAddress}, {NewUser{Email: "аda@example.com"}, noAddress}, {NewUser{Email: "a b@example.com"}, noAddress},
		{NewUser{Email: "b@example.com", Subject: &Subject{issuer, "1"}}, "give a subject or an email address, not both"},
		{NewUser{Subject: &Subject{issuer, "4\x007"}}, "id of single sign-on: use 1–255 printable bytes"},
		{NewUser{Subject: &Subject{Issuer: issuer}}, "id of single sign-on: use 1–255 printable bytes"},
		{NewUser{Subject: &Subject{issuer + strings.Repeat("x", 255), "1"}}, "issuer of single sign-on: use 1–255 printable bytes"},
	} {
		tt.bad.Name, tt.bad.Role = "bob", Viewer
		if _, err := u.Create(t.Context(), tt.bad); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %s", tt.bad, err, tt.want)
		}
	}
	address := "b@example.com"
	if _, err := u.Change(t.Context(), "ada", Change{Subject: &Subject{issuer, "1"}, Email: &address}); err == nil || !strings.Contains(err.Error(), "not both") {
		t.Errorf("a change to a subject and an address: got %v", err)
	}
	for _, id := range []Identity{{}, {Email: "eve@example.com"}, {Name: "ada@example.com"}} {
		id.Subject = Subject{issuer, "666"}
		if p, err := u.SignInBy(t.Context(), "192.0.2.1", id); !errors.Is(err, ErrNoUser) {
			t.Errorf("%+v is %+v", id, p)
		}
	}
	first := Identity{Subject: Subject{issuer, "1"}, Email: "ada@example.com"}
	if p := entered(t, g[1], first); p.Name != "ada" || p.Role != Operator { // its copy may be older
		t.Errorf("got %+v", p)
	}
	if p, err := u.SignInBy(t.Context(), "192.0.2.1", Identity{Subject: Subject{issuer, "2"}, Email: "ada@example.com"}); !errors.Is(err, ErrNoUser) {
		t.Errorf("the next one with this address is %+v", p)
	}
	if p := entered(t, u, Identity{Subject: Subject{issuer, "1"}, Email: "married@example.com"}); p.Name != "ada" {
		t.Errorf("with another address: %+v", p)
	}
	a, err := u.User("ada")
	if err != nil || a.Email != "" || a.Subject == nil || a.Subject.ID != "1" || a.SignedIn.IsZero() {
		t.Errorf("got %+v, %v", a, err)
	}
}

// TestGroups: who is in a group becomes a user whose role follows the groups at each sign-in, and who is
// in none any more is out everywhere. No other way in is left open to them.
func TestGroups(t *testing.T) {
	g, _, log := gateways(t, 2)
	u := g[0]
	user(t, u, "ada", Administrator)
	eve := func(role Role) Identity { return Identity{Subject: Subject{issuer, "e"}, Name: "Ada", Role: role} }
	p := entered(t, u, eve(Administrator))
	if !strings.HasPrefix(p.Name, "ada-") || p.Role != Administrator {
		t.Errorf("a name that is taken: got %+v", p)
	}
	if again := entered(t, g[1], eve(Administrator)); again.Name != p.Name || again.Stamp != p.Stamp {
		t.Errorf("the same again: got %+v; want %+v", again, p)
	}
	if err := u.Remove(t.Context(), "ada"); !errors.Is(err, ErrLastAdministrator) {
		t.Errorf("the last administrator whom no provider can lock out: got %v", err)
	}
	held, stop := u.Hold(t.Context(), p)
	defer stop()
	lower := entered(t, u, eve(Viewer))
	if lower.Role != Viewer || held.Err() == nil {
		t.Errorf("with another role: got %+v; what was signed in before: %v", lower, held.Err())
	}
	role, secret := Operator, good
	for want, c := range map[string]Change{
		`the role of "` + p.Name + `" comes from the groups of single sign-on`: {Role: &role},
		`"` + p.Name + `" signs in by single sign-on, and by nothing else`:     {Password: &secret},
	} {
		if _, err := u.Change(t.Context(), p.Name, c); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, _, err := u.NewLink(t.Context(), p.Name); !errors.Is(err, ErrInvalid) {
		t.Errorf("a link: got %v", err)
	}
	if _, err := u.SignInBy(t.Context(), "192.0.2.1", eve("")); !errors.Is(err, ErrNoUser) {
		t.Errorf("without a group: got %v", err)
	}
	if _, err := u.Current(lower); !errors.Is(err, ErrSignedOut) {
		t.Errorf("who is in no group any more: got %v", err)
	}
	eventually(t, "the refusal is in the audit log", func() bool {
		list, err := log.List(context.Background(), "", 10)
		return err == nil && len(list) > 0 && list[0].Who == p.Name && list[0].Outcome == "refused" && list[0].How == string(BySingleSignOn)
	})
	if back := entered(t, u, eve(Operator)); back.Name != p.Name || back.Role != Operator {
		t.Errorf("back in a group: got %+v", back)
	}
}

// TestNamesThere: whatever somebody is called at the provider, here they have a name like everybody else's.
func TestNamesThere(t *testing.T) {
	d := &directory{Users: map[string]account{"taken": {}}}
	for name, want := range map[string]string{
		"Ada.Lovelace@Example.com": "ada.lovelace@example.com", "": "user", "...": "user", "аda": "da", "Ada Lovelace": "ada-lovelace",
		"token:ci": "token-ci", "admin token": "admin-token", "<img src=x>": "img-src-x", strings.Repeat("ä", 300): "user", strings.Repeat("a", 300): strings.Repeat("a", 64),
	} {
		got := d.nameFor(Identity{Name: name})
		if got != want || checkName(got) != nil {
			t.Errorf("%q: got %q; want %q", name, got, want)
		}
	}
	one, two := d.nameFor(Identity{Name: "Taken", Subject: Subject{issuer, "1"}}), d.nameFor(Identity{Name: "Taken", Subject: Subject{issuer, "2"}})
	if checkName(one) != nil || one == two || !strings.HasPrefix(one, "taken-") {
		t.Errorf("got %q and %q", one, two)
	}
}
