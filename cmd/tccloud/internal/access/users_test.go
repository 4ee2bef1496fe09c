package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/access/password"
	"tcenvsvr/cmd/tccloud/internal/store"
)

const good, other = "correct horse battery", "another horse battery"

// gateways are Users at n gateways of one cloud, which follow the store.
func gateways(t *testing.T, n int) ([]*Users, jetstream.KeyValue, *audit.Log) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	kv, err := st.KV(t.Context(), Bucket, store.KVOptions{Newest: true})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := st.Stream(t.Context(), audit.StreamConfig(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	log := audit.New(st.JS(), stream, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() { stop(); all.Wait() })
	all.Go(func() { _ = log.Run(ctx) })
	var list []*Users
	for range n {
		u, err := Open(t.Context(), Config{KV: kv, Audit: log, Cost: password.Cost{MemoryKiB: 64, Passes: 1}})
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() { _ = u.Run(ctx) })
		list = append(list, u)
	}
	return list, kv, log
}

// eventually waits for what the watch brings.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func user(t *testing.T, u *Users, name string, role Role) {
	t.Helper()
	if _, err := u.Create(t.Context(), NewUser{Name: name, Role: role, Password: good}); err != nil {
		t.Fatal(err)
	}
}

func TestRoles(t *testing.T) {
	for i, r := range Roles {
		for j, need := range Roles {
			if got := r.Allows(need); got != (i >= j) {
				t.Errorf("%s allows what needs %s: %t", r, need, got)
			}
		}
		if r.Allows("") || Role("").Allows(r) || Role("root").Allows(r) || Role("Viewer").Allows(r) {
			t.Errorf("%s: what is no role allows something", r)
		}
	}
}

// TestNames: no two names look alike, steer a terminal or end a line of a log.
func TestNames(t *testing.T) {
	g, _, _ := gateways(t, 1)
	for _, name := range []string{
		"", "Ada", "аda", "ada\u200b", "ａda", "ada\n", "ada lovelace", "-ada", ".ada", "ada/x", "ada\x1b[2J", "token:ci", "admin token", "ſam", "K", strings.Repeat("a", 65), "ada\x00",
	} {
		if _, err := g[0].Create(t.Context(), NewUser{Name: name, Role: Viewer}); !errors.Is(err, ErrInvalid) {
			t.Errorf("user %q: got %v", name, err)
		}
		if _, _, err := g[0].NewToken(t.Context(), NewToken{Name: name, Role: Viewer}); !errors.Is(err, ErrInvalid) {
			t.Errorf("token %q: got %v", name, err)
		}
	}
	user(t, g[0], "kim", Viewer)
	if p, err := g[0].SignIn(t.Context(), "192.0.2.1:5", "KIM", good); err != nil || p.Name != "kim" {
		t.Errorf("upper case: got %+v, %v", p, err)
	}
	if _, err := g[0].SignIn(t.Context(), "192.0.2.1:5", "\u212aim", good); !errors.Is(err, ErrSignIn) { // Kelvin sign
		t.Errorf("a look-alike: got %v", err)
	}
}

// TestLastAdministrator: of two gateways that take away the last two administrators at the same time,
// one is refused, whichever way they do it.
func TestLastAdministrator(t *testing.T) {
	g, _, _ := gateways(t, 2)
	viewer, yes := Viewer, true
	ways := []func(u *Users, name string) error{
		func(u *Users, name string) error { return u.Remove(t.Context(), name) },
		func(u *Users, name string) error {
			_, err := u.Change(t.Context(), name, Change{Role: &viewer})
			return err
		},
		func(u *Users, name string) error {
			_, err := u.Change(t.Context(), name, Change{Disabled: &yes})
			return err
		},
	}
	user(t, g[0], "first", Administrator)
	for round := range 9 {
		second := fmt.Sprintf("second%d", round)
		user(t, g[0], second, Administrator)
		admins := func() (n []string) {
			for _, u := range g[0].List() {
				if u.Role == Administrator && u.able() {
					n = append(n, u.Name)
				}
			}
			return n
		}
		names := admins()
		var both sync.WaitGroup
		errs := make([]error, 2)
		for i := range 2 {
			both.Go(func() { errs[i] = ways[(round+i)%len(ways)](g[i], names[i]) })
		}
		both.Wait()
		refused := 0
		for _, err := range errs {
			if errors.Is(err, ErrLastAdministrator) {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if refused != 1 {
			t.Fatalf("round %d: got %v, want one refused", round, errs)
		}
		eventually(t, "one administrator", func() bool { return len(admins()) == 1 })
	}
}

// TestSignedOut: what a user or a token was signed in by ends with it, at every gateway.
func TestSignedOut(t *testing.T) {
	g, _, _ := gateways(t, 2)
	user(t, g[0], "root", Administrator)
	password, role, yes := other, Operator, true
	for name, change := range map[string]func(name string) error{
		"removed":  func(n string) error { return g[0].Remove(t.Context(), n) },
		"password": func(n string) error { _, err := g[0].Change(t.Context(), n, Change{Password: &password}); return err },
		"role":     func(n string) error { _, err := g[0].Change(t.Context(), n, Change{Role: &role}); return err },
		"disabled": func(n string) error { _, err := g[0].Change(t.Context(), n, Change{Disabled: &yes}); return err },
		"replaced": func(n string) error {
			if err := g[0].Remove(t.Context(), n); err != nil {
				return err
			}
			user(t, g[0], n, Viewer)
			return nil
		},
	} {
		user(t, g[0], name, Viewer)
		eventually(t, name+" is known", func() bool { _, err := g[1].User(name); return err == nil })
		p, err := g[1].SignIn(t.Context(), "192.0.2.1", name, good)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := g[1].Hold(t.Context(), p)
		if ctx.Err() != nil {
			t.Fatalf("%s: held until %v", name, context.Cause(ctx))
		}
		if err := change(name); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
			t.Errorf("%s: what was going on did not end", name)
		}
		if _, err := g[1].Current(p); !errors.Is(err, ErrSignedOut) || !errors.Is(context.Cause(ctx), ErrSignedOut) {
			t.Errorf("%s: got %v, %v", name, err, context.Cause(ctx))
		}
		stop()
		if after, stop := g[1].Hold(t.Context(), p); after.Err() == nil {
			t.Errorf("%s: something begins that is not allowed any more", name)
			stop()
		}
	}
}

// TestForgedPrincipal: what a principal says of itself counts for nothing but its name and stamp.
func TestForgedPrincipal(t *testing.T) {
	g, _, _ := gateways(t, 1)
	user(t, g[0], "ada", Viewer)
	p, err := g[0].SignIn(t.Context(), "192.0.2.1", "ada", good)
	if err != nil {
		t.Fatal(err)
	}
	p.Role = Administrator
	if now, err := g[0].Current(p); err != nil || now.Role != Viewer {
		t.Errorf("got %+v, %v", now, err)
	}
	for _, q := range []Principal{{}, {Name: "ada"}, {Name: "ada", How: ByPassword}, {Name: "ada", How: ByToken, Stamp: p.Stamp}, {Name: "bob", How: ByPassword, Stamp: p.Stamp}} {
		if now, err := g[0].Current(q); err == nil {
			t.Errorf("%+v is %+v", q, now)
		}
	}
}

// TestDamagedRecords: what cannot be read allows nothing, and a hash that would cost too much is not
// computed.
func TestDamagedRecords(t *testing.T) {
	g, kv, _ := gateways(t, 1)
	u := g[0]
	user(t, u, "ada", Administrator)
	token, secret, err := u.NewToken(t.Context(), NewToken{Name: "ci", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	p, err := u.SignIn(t.Context(), "192.0.2.1", "ada", good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), tokenPrefix+token.ID, []byte("{")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the token is refused", func() bool { _, err := u.Bearer(secret); return err != nil })
	if _, err := kv.Put(t.Context(), tokenPrefix+token.ID, []byte(`{"digest":"00"}`)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	late, err := Open(t.Context(), Config{KV: kv, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil || !strings.Contains(log.String(), "a digest has another length") {
		t.Errorf("a gateway that starts now: got %v, and says %q", err, log.String())
	} else if _, err := late.Bearer(secret); err == nil {
		t.Error("a token with a damaged digest is taken")
	}
	bomb, _ := json.Marshal(directory{map[string]account{"ada": {
		User: User{Role: Administrator, Password: true}, Hash: "$argon2id$v=19$m=4194304,t=1000,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", Stamp: p.Stamp,
	}}})
	if _, err := kv.Put(t.Context(), usersKey, bomb); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record is read", func() bool { a := u.List(); return len(a) == 1 && a[0].Created.IsZero() })
	if _, err := u.SignIn(t.Context(), "192.0.2.1", "ada", good); !errors.Is(err, ErrSignIn) {
		t.Errorf("got %v", err)
	}
	if _, err := kv.Put(t.Context(), usersKey, []byte("{")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nobody is signed in", func() bool { _, err := u.Current(p); return err != nil })
	if _, err := u.Create(t.Context(), NewUser{Name: "eve", Role: Administrator}); err == nil {
		t.Error("a record that cannot be read was written over")
	}
}

// TestBounds: there are so many users and tokens and no more, and an old one makes room by its removal.
func TestBounds(t *testing.T) {
	_, kv, _ := gateways(t, 0)
	u, err := Open(t.Context(), Config{KV: kv, Cost: password.Cost{MemoryKiB: 64, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	full := directory{map[string]account{}}
	for i := range mostUsers {
		full.Users[fmt.Sprint("u", i)] = account{User: User{Role: Viewer}}
	}
	data, _ := json.Marshal(full)
	if _, err := kv.Put(t.Context(), usersKey, data); err != nil {
		t.Fatal(err)
	}
	// As the watch brings them: that many writes would take long.
	for i := range mostTokens {
		u.apply(tokenPrefix+fmt.Sprint(i), fmt.Appendf(nil, `{"digest":"%064x"}`, i), 1, false)
	}
	_, err = u.Create(t.Context(), NewUser{Name: "ada", Role: Viewer})
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "there are 1000 users, and no more than that") {
		t.Errorf("got %v", err)
	}
	_, _, err = u.NewToken(t.Context(), NewToken{Name: "ci", Role: Viewer})
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "there are 10000 tokens, and no more than that") {
		t.Errorf("got %v", err)
	}
	if err := u.Remove(t.Context(), "u0"); err != nil {
		t.Fatal(err)
	}
	u.apply(tokenPrefix+"0", nil, 2, true)
	user(t, u, "ada", Viewer)
	if _, _, err := u.NewToken(t.Context(), NewToken{Name: "ci", Role: Viewer}); err != nil {
		t.Error(err)
	}
}

// TestNewPassword: who knows the old one changes it; other sessions end, this one goes on.
func TestNewPassword(t *testing.T) {
	g, _, log := gateways(t, 1)
	u := g[0]
	user(t, u, "ada", Viewer)
	here, _ := u.SignIn(t.Context(), "192.0.2.1", "ada", good)
	there, _ := u.SignIn(t.Context(), "192.0.2.2", "ada", good)
	if _, err := u.NewPassword(t.Context(), "192.0.2.1", here, "wrong wrong wrong", other); !errors.Is(err, ErrSignIn) {
		t.Errorf("got %v", err)
	}
	if _, err := u.NewPassword(t.Context(), "192.0.2.1", here, good, "short"); !errors.Is(err, password.ErrWeak) {
		t.Errorf("got %v", err)
	}
	now, err := u.NewPassword(t.Context(), "192.0.2.1", here, good, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Current(now); err != nil {
		t.Error(err)
	}
	for _, p := range []Principal{here, there} {
		if _, err := u.Current(p); err == nil {
			t.Errorf("%+v goes on", p)
		}
	}
	list, err := log.List(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(list, func(e audit.Entry) bool {
		return e.Action == "change password" && e.Who == "ada" && e.From == "192.0.2.1" && e.Outcome == audit.OK
	}) {
		t.Errorf("the audit log has %+v", list)
	}
}

// TestNothingSecretIsStored: neither passwords nor tokens nor links are in the store or the audit log.
func TestNothingSecretIsStored(t *testing.T) {
	g, kv, log := gateways(t, 1)
	u := g[0]
	user(t, u, "ada", Administrator)
	_, token, _ := u.NewToken(t.Context(), NewToken{Name: "ci", Role: Viewer})
	link, _, _ := u.NewLink(t.Context(), "ada")
	_, _ = u.SignIn(t.Context(), "192.0.2.1", good, "typed into the wrong field")
	keys, err := kv.Keys(t.Context())
	if err != nil || len(keys) != 3 {
		t.Fatalf("got %v, %v", keys, err)
	}
	var all []string
	for _, k := range keys {
		e, err := kv.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k, string(e.Value()))
	}
	eventually(t, "the refusal is recorded", func() bool {
		list, err := log.List(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(list)
		all = append(all, string(text))
		return slices.ContainsFunc(list, func(e audit.Entry) bool { return e.Outcome == "refused" })
	})
	for _, secret := range []string{good, token, token[len(TokenPrefix):], link, "wrong field"} {
		for _, text := range all {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %s", secret, text)
			}
		}
	}
}
