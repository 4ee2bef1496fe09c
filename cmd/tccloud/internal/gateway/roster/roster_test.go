package roster

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
)

// claims are what the store says.
type claims map[wire.ServerXID]struct {
	gateway string
	epoch   int64
	since   time.Time
	gone    bool
}

func (c claims) Claim(xid wire.ServerXID) (string, int64, time.Duration, bool) {
	return c[xid].gateway, c[xid].epoch, time.Since(c[xid].since), true
}

func (c claims) Gone(xid wire.ServerXID) bool { return c[xid].gone }

func (c claims) claim(xid wire.ServerXID, gateway string, epoch int64) {
	one := c[xid]
	one.gateway, one.epoch, one.since, one.gone = gateway, epoch, time.Now(), false
	c[xid] = one
}

// pair is a gateway "a" with sessions, which tells b.
type pair struct {
	t      *testing.T
	claims claims
	here   map[wire.ServerXID]Session
	a      *teller
	b      *Roster
	lose   bool
	told   []news
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, claims: claims{}, here: map[wire.ServerXID]Session{}}
	conn := new(nats.Conn) // others are there; nothing is sent by it
	of := func(name string, here map[wire.ServerXID]Session) *Roster {
		return New(Config{
			Gateway: name, Conn: conn, Claims: p.claims,
			Here:    func(xid wire.ServerXID) (Session, bool) { s, ok := here[xid]; return s, ok },
			AllHere: func() []Session { return slices.Collect(maps.Values(here)) },
		})
	}
	p.a, p.b = &teller{Roster: of("a", p.here)}, of("b", nil)
	p.a.send = func(n news) {
		data, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		p.told = append(p.told, n)
		if len(data) > 2*maxBytes {
			t.Errorf("a message has %d bytes", len(data))
		}
		if !p.lose {
			p.b.hear(data)
		}
	}
	p.a.all()
	return p
}

// open opens or changes a session at a.
func (p *pair) open(xid wire.ServerXID, epoch int64, version string) {
	p.claims.claim(xid, "a", epoch)
	p.here[xid] = Session{XID: xid, Epoch: epoch, Gateway: "a", Name: string(xid), Version: version}
	p.a.Changed(xid)
}

func (p *pair) end(xid wire.ServerXID) {
	delete(p.here, xid)
	p.a.Changed(xid)
}

// sleep lets time pass in which a is heard.
func (p *pair) sleep(d time.Duration) {
	for ; d > 0; d -= time.Second {
		time.Sleep(time.Second)
		p.beat()
	}
}

func (p *pair) beat() { p.a.send(news{Gateway: "a", Seq: p.a.seq}) }

func (p *pair) want(xid wire.ServerXID, want State, version string) {
	p.t.Helper()
	if s, got := p.b.Look(xid); got != want || s.Version != version {
		p.t.Errorf("%s is in state %d with version %q, want %d and %q", xid, got, s.Version, want, version)
	}
}

// TestTold: what a gateway tells is what others know.
func TestTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.want("s1", Away, "")
		p.open("s1", 1, "1.0")
		p.want("s1", Unknown, "") // claimed, and not told yet
		p.a.tell()
		p.want("s1", Connected, "1.0")
		p.open("s1", 1, "1.1")
		p.open("s2", 2, "1.0")
		p.a.tell()
		p.want("s1", Connected, "1.1")
		if list := p.b.All(); len(list) != 2 || list[0].XID != "s1" || list[1].XID != "s2" {
			t.Errorf("all are %+v", list)
		}
		p.end("s1")
		p.a.tell()
		p.sleep(tellWithin + time.Second)
		p.want("s1", Away, "")
		p.want("s2", Connected, "1.0")
		if n, sessions, settled := p.b.Others(time.Second); n != 1 || sessions != 1 || !settled {
			t.Errorf("%d other gateways have %d sessions, settled: %v", n, sessions, settled)
		}
		if _, _, settled := p.b.Others(time.Minute); settled {
			t.Error("a gateway that has just come is settled")
		}
		p.a.send(news{Gateway: "a", Seq: p.a.seq, Stops: true})
		p.want("s2", Away, "")
		if n, _, _ := p.b.Others(0); n != 0 {
			t.Errorf("%d other gateways after one stopped", n)
		}
	})
}

// TestSilentIsUnknown: servers of a gateway that is silent are unknown until a lease is over; when it is
// heard again, all is asked for.
func TestSilentIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.open("s1", 1, "1.0")
		p.open("s2", 2, "1.0")
		p.a.tell()
		time.Sleep(silentAfter - time.Second)
		p.want("s1", Connected, "1.0")
		time.Sleep(time.Second)
		p.want("s1", Unknown, "")
		if list := p.b.All(); len(list) != 0 {
			t.Errorf("connected are %+v", list)
		}
		p.claims.claim("s2", "b", 3) // it came here, and left again
		p.want("s2", Away, "")
		one := p.claims["s1"]
		one.gone = true
		p.claims["s1"] = one
		p.want("s1", Away, "")
		one.gone = false
		p.claims["s1"] = one
		p.beat()
		if missing := p.b.missing(); !slices.Equal(missing, []string{"a"}) {
			t.Errorf("asked are %q", missing)
		}
		if missing := p.b.missing(); len(missing) != 0 {
			t.Errorf("asked at once again are %q", missing)
		}
		p.a.all()
		p.want("s1", Connected, "1.0")
	})
}

// TestMissedIsUnknown: after a message was lost nothing is said to be away that was not told to be.
func TestMissedIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.open("s1", 1, "1.0")
		p.a.tell()
		p.lose = true
		p.open("s2", 2, "1.0")
		p.a.tell()
		p.lose = false
		time.Sleep(tellWithin - time.Second)
		p.beat()
		time.Sleep(2 * time.Second)
		p.want("s1", Connected, "1.0")
		p.want("s2", Unknown, "")
		if missing := p.b.missing(); !slices.Equal(missing, []string{"a"}) {
			t.Errorf("asked are %q", missing)
		}
		p.a.all()
		p.want("s2", Connected, "1.0")
		p.end("s2")
		p.lose = true
		p.a.tell()
		p.lose = false
		p.open("s3", 3, "1.0")
		p.a.tell() // its number says that one is missing
		p.want("s3", Connected, "1.0")
		if missing := p.b.missing(); len(missing) != 0 {
			t.Errorf("asked at once again are %q", missing)
		}
		time.Sleep(askAgain)
		p.beat()
		if missing := p.b.missing(); !slices.Equal(missing, []string{"a"}) {
			t.Errorf("asked are %q", missing)
		}
		p.a.all()
		p.sleep(tellWithin + time.Second)
		p.want("s2", Away, "")
	})
}

// TestLargeSessions: sessions are told in messages that every NATS takes, however much agents say of
// themselves, and none is away while a list comes in.
func TestLargeSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		const n = 600
		text := strings.Repeat("<", wire.MaxText) // six bytes each in JSON
		for i := range n {
			xid := wire.ServerXID(fmt.Sprint("s", i))
			p.open(xid, int64(i+1), "1.0")
			s := p.here[xid]
			s.Info = &wire.Info{Unfit: &wire.Unfit{Code: "x", Message: text}}
			p.here[xid] = s
		}
		p.a.tell()
		if len(p.told) < 10 {
			t.Errorf("%d messages told of %d large sessions", len(p.told), n)
		}
		deliver := p.a.send
		p.a.send = func(m news) {
			p.want("s1", Connected, "1.0")
			deliver(m)
		}
		p.a.all()
		if list := p.b.All(); len(list) != n {
			t.Errorf("%d sessions are known", len(list))
		}
	})
}

// TestForeignMessages: what is no message of a gateway changes nothing.
func TestForeignMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.open("s1", 1, "1.0")
		p.a.tell()
		for _, text := range []string{"", "null", "[]", "{}", `{"gateway":"b","seq":9,"over":["s1"]}`, `{"gateway":"a","seq":3,"open":[7]}`} {
			p.b.hear([]byte(text))
		}
		p.want("s1", Connected, "1.0")
	})
}
