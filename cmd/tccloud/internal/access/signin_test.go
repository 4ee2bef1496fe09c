package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// TestUnknownUsersCostTheSame: a name that is unknown, disabled or has no password is refused in the
// same words and after the same work.
func TestUnknownUsersCostTheSame(t *testing.T) {
	g, _, _ := gateways(t, 1)
	u := g[0]
	user(t, u, "ada", Viewer)
	user(t, u, "off", Viewer)
	yes := true
	if _, err := u.Change(t.Context(), "off", Change{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Create(t.Context(), NewUser{Name: "sso", Role: Viewer, Subject: &Subject{"https://sso.example", "1"}}); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"ada", "nobody", "off", "sso", "", "not a name", "ada\n"} {
		before := u.hasher.Computed()
		_, err := u.SignIn(t.Context(), fmt.Sprintf("192.0.2.%d", i), name, "wrong wrong wrong")
		if !errors.Is(err, ErrSignIn) || err.Error() != ErrSignIn.Error() || u.hasher.Computed()-before != 1 {
			t.Errorf("%q: got %v after %d hashes", name, err, u.hasher.Computed()-before)
		}
	}
}

// TestSignInIsLimited: for one user from many addresses, and from one address for many users, also
// when all come at once. Who signs in rightly is not counted.
func TestSignInIsLimited(t *testing.T) {
	g, _, log := gateways(t, 1)
	u := g[0]
	user(t, u, "ada", Viewer)
	for range userBurst + 1 {
		if _, err := u.SignIn(t.Context(), "192.0.2.1:1", "ada", good); err != nil {
			t.Fatal(err)
		}
	}
	try := func(n int, who func(i int) (from, name string)) (looked int) {
		var all sync.WaitGroup
		var mu sync.Mutex
		for i := range n {
			all.Go(func() {
				from, name := who(i)
				_, err := u.SignIn(t.Context(), from, name, "wrong wrong wrong")
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, ErrSignIn) {
					looked++
				} else if w, ok := errors.AsType[*Wait](err); !ok || w.For <= 0 || w.For > time.Hour {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		return looked
	}
	if n := try(3*userBurst, func(i int) (string, string) { return fmt.Sprintf("198.51.100.%d:1", i), "ada" }); n > userBurst+1 {
		t.Errorf("%d passwords of one user were looked at", n)
	}
	if n := try(3*addressBurst, func(i int) (string, string) { return fmt.Sprintf("[2001:db8::%x]:1", i), fmt.Sprint("user", i) }); n > addressBurst+2 {
		t.Errorf("%d passwords from one network were looked at", n)
	}
	if _, err := u.SignIn(t.Context(), "192.0.2.1:1", "ada", good); err == nil {
		t.Error("the right password was looked at beyond the limit")
	}
	eventually(t, "limited is recorded", func() bool {
		list, err := log.List(t.Context(), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(e audit.Entry) bool { return e.Outcome == "limited" })
	})
}

// TestLink: a link signs in once, sets a password, and ends with what it was made for.
func TestLink(t *testing.T) {
	g, _, _ := gateways(t, 2)
	u := g[0]
	if _, err := u.Create(t.Context(), NewUser{Name: "ada", Role: Operator}); err != nil {
		t.Fatal(err)
	}
	link := func() string {
		secret, _, err := u.NewLink(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	redeem := func(u *Users, r Redemption) (Principal, error) { return u.Redeem(t.Context(), "192.0.2.1:1", r) }
	a, b := link(), link()
	if l, err := u.Link(t.Context(), a); err != nil || l.User != "ada" {
		t.Errorf("a look at it: got %+v, %v", l, err)
	}
	if _, err := redeem(u, Redemption{Secret: a, Password: "short"}); err == nil {
		t.Error("a weak password was taken")
	}
	p, err := redeem(u, Redemption{Secret: a, Password: good})
	if err != nil || p.Name != "ada" || p.Role != Operator || p.How != ByLink {
		t.Fatalf("got %+v, %v", p, err)
	}
	if _, err := u.Current(p); err != nil {
		t.Error(err)
	}
	for what, secret := range map[string]string{"replayed": a, "made before the password": b, "unknown": newSecret(), "empty": "", "a key": "x.>", "long": string(make([]byte, 5000))} {
		if _, err := redeem(u, Redemption{Secret: secret, Password: good}); !errors.Is(err, ErrLink) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if _, err := u.SignIn(t.Context(), "192.0.2.1", "ada", good); err != nil {
		t.Error(err)
	}
	// Of many who have one link, at both gateways, one gets in.
	eventually(t, "both know", func() bool { x, _ := g[1].User("ada"); return x.Password })
	c := link()
	var all sync.WaitGroup
	in := make(chan Principal, 20)
	for i := range 10 {
		all.Go(func() {
			if p, err := redeem(g[i%2], Redemption{Secret: c}); err == nil {
				in <- p
			} else if _, wait := errors.AsType[*Wait](err); !errors.Is(err, ErrLink) && !wait {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(in) != 1 {
		t.Errorf("%d got in", len(in))
	}
	d := link()
	if err := u.Remove(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	user(t, u, "ada", Administrator)
	if _, err := u.Link(t.Context(), d); !errors.Is(err, ErrLink) {
		t.Errorf("of a user who was removed: got %v", err)
	}
}

// TestFirstLink: the links of all gateways together make one administrator, and none later.
func TestFirstLink(t *testing.T) {
	g, _, _ := gateways(t, 2)
	var secrets []string
	for _, u := range g {
		secret, l, err := u.NewLink(t.Context(), "")
		if err != nil || l.User != "" {
			t.Fatal(l, err)
		}
		secrets = append(secrets, secret)
	}
	for _, r := range []Redemption{{Name: "root"}, {Name: "Root", Password: good}, {Password: good}, {Name: "root", Password: "short"}} {
		r.Secret = secrets[0]
		if p, err := g[0].Redeem(t.Context(), "192.0.2.9", r); err == nil {
			t.Fatalf("%+v made %+v", r, p)
		}
	}
	var all sync.WaitGroup
	in := make(chan Principal, 2)
	for i, u := range g {
		all.Go(func() {
			if p, err := u.Redeem(t.Context(), "192.0.2.1", Redemption{Secret: secrets[i], Name: fmt.Sprint("root", i), Password: good}); err == nil {
				in <- p
			} else if !errors.Is(err, ErrLink) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(in) != 1 {
		t.Fatalf("%d administrators were made", len(in))
	}
	if p := <-in; p.Role != Administrator {
		t.Errorf("got %+v", p)
	}
	if n := len(g[0].List()); n != 1 {
		eventually(t, "one user", func() bool { return len(g[0].List()) == 1 })
	}
	late, _, err := g[0].NewLink(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g[0].Redeem(t.Context(), "192.0.2.1", Redemption{Secret: late, Name: "late", Password: good}); !errors.Is(err, ErrLink) {
		t.Errorf("got %v", err)
	}
}

// TestTokens: a secret opens what its token says until it expires or is revoked, at every gateway.
func TestTokens(t *testing.T) {
	g, kv, _ := gateways(t, 2)
	made, secret, err := g[0].NewToken(t.Context(), NewToken{Name: "ci", Role: Operator, Environments: []string{"lab", "a", "lab"}, By: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other gateway knows it", func() bool { _, err := g[1].Bearer(secret); return err == nil })
	p, _ := g[1].Bearer(secret)
	if p.Name != "token:ci" || p.Role != Operator || !slices.Equal(p.Environments, []string{"a", "lab"}) || p.Sees("b") || !p.Sees("lab") {
		t.Errorf("got %+v", p)
	}
	for _, wrong := range []string{"", TokenPrefix, secret[:len(secret)-1], secret + "A", secret[len(TokenPrefix):], made.ID, "Bearer " + secret} {
		if p, err := g[0].Bearer(wrong); err == nil {
			t.Errorf("%q is %+v", wrong, p)
		}
	}
	const life, some = "a token is good for a minute to 1830 days, not ", "a token is limited to 1–100 Environments with a name"
	for _, tt := range []struct {
		ask  NewToken
		want string
	}{
		{NewToken{Role: Viewer, Life: time.Second}, life + "1s"},
		{NewToken{Role: Viewer, Life: 6 * 366 * 24 * time.Hour}, life + "52704h0m0s"},
		{NewToken{Role: Viewer, Life: -1}, life + "-1ns"},
		{NewToken{Role: Viewer, Environments: []string{""}}, some},
		{NewToken{Role: Viewer, Environments: slices.Repeat([]string{"lab"}, 101)}, some},
		{NewToken{}, `role "": want viewer, operator or administrator`},
	} {
		tt.ask.Name = "x"
		if _, _, err := g[0].NewToken(t.Context(), tt.ask); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %s", tt.ask, err, tt.want)
		}
	}
	ctx, stop := g[1].Hold(t.Context(), p)
	defer stop()
	g[1].storeUse(t.Context())
	eventually(t, "its use is stored", func() bool { return g[0].Tokens()[0].Used == time.Now().UTC().Format(time.DateOnly) })
	// Revoked while it is used all the time, it does not come back.
	busy, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		for busy.Err() == nil {
			_, _ = g[1].Bearer(secret)
			g[1].mu.Lock()
			g[1].used[made.ID] = time.Now().Add(24 * time.Hour)
			g[1].mu.Unlock()
			g[1].storeUse(busy)
		}
	})
	if _, err := g[0].Revoke(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := g[0].Bearer(secret); err == nil {
		t.Error("it is good where it was revoked")
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("what was going on with it does not end")
	}
	end()
	all.Wait()
	if _, err := kv.Get(t.Context(), tokenPrefix+made.ID); err == nil {
		t.Error("it came back")
	}
	eventually(t, "nobody lists it", func() bool { return len(g[0].Tokens())+len(g[1].Tokens()) == 0 })
	for _, id := range []string{made.ID, "", "x", "*", ">", "../users"} {
		if _, err := g[0].Revoke(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: got %v", id, err)
		}
	}
}

// TestLateWrite: what was written of a token before it was removed does not bring it back, whenever it
// comes.
func TestLateWrite(t *testing.T) {
	g, kv, _ := gateways(t, 1)
	made, secret, err := g[0].NewToken(t.Context(), NewToken{Name: "ci", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	e, err := kv.Get(t.Context(), tokenPrefix+made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.Delete(t.Context(), tokenPrefix+made.ID); err != nil { // by another gateway
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return len(g[0].Tokens()) == 0 })
	g[0].apply(tokenPrefix+made.ID, e.Value(), e.Revision(), false)
	if _, err := g[0].Bearer(secret); err == nil || len(g[0].Tokens()) != 0 {
		t.Error("it is back")
	}
}

// TestExpired: what has expired opens nothing, ends what goes on, and is swept.
func TestExpired(t *testing.T) {
	g, kv, _ := gateways(t, 1)
	u := g[0]
	made, secret, err := u.NewToken(t.Context(), NewToken{Name: "ci", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := u.Bearer(secret)
	set := func(created, expires time.Time) {
		stored, _, err := bucket.Read[token](t.Context(), kv, tokenPrefix+made.ID)
		if err != nil {
			t.Fatal(err)
		}
		stored.Created, stored.Expires = created, expires
		data, _ := json.Marshal(stored)
		if _, err := kv.Put(t.Context(), tokenPrefix+made.ID, data); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is read", func() bool { return u.Tokens()[0].Expires.Equal(expires) })
	}
	for what, times := range map[string][2]time.Time{
		"expired":            {time.Now().Add(-time.Hour), time.Now().Add(-time.Second)},
		"made in the future": {time.Now().Add(time.Hour), time.Now().Add(2 * time.Hour)},
	} {
		set(times[0], times[1])
		if _, err := u.Bearer(secret); err == nil {
			t.Errorf("%s: it is good", what)
		}
		if ctx, stop := u.Hold(t.Context(), p); ctx.Err() == nil {
			t.Errorf("%s: something goes on", what)
			stop()
		}
	}
	set(time.Now(), time.Now().Add(100*time.Millisecond))
	ctx, stop := u.Hold(t.Context(), p)
	defer stop()
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), ErrSignedOut) {
		t.Errorf("got %v", context.Cause(ctx))
	}
	for key, value := range map[string]string{
		tokenPrefix + "old": `{"id":"old","expires":"2026-01-02T00:00:00Z"}`, linkPrefix + "old": `{"expires":"2026-01-02T00:00:00Z"}`, linkPrefix + "odd": `[`,
	} {
		if _, err := kv.Put(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	link, _, err := u.NewLink(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, _ := kv.Keys(t.Context())
	slices.Sort(keys)
	want := []string{linkKey(link), linkPrefix + "odd", tokenPrefix + made.ID}
	slices.Sort(want)
	if !slices.Equal(keys, want) {
		t.Errorf("got %v, want %v", keys, want)
	}
}
