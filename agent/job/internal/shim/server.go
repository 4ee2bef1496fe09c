package shim

import (
	"bufio"
	"cmp"
	"crypto/subtle"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
)

const (
	maxClients    = 32
	acceptAgain   = 50 * time.Millisecond
	clientTimeout = 5 * time.Second // to send a verb, or to read an answer
)

// server answers on the socket. It starts with the shim and is closed with it.
type server struct {
	lns    []*net.UnixListener
	owner  int
	cancel chan struct{} // has room for one: a second cancel changes nothing
	waits  chan struct{} // somebody began or ceased to wait; has room for one, too
	noted  chan struct{} // the owner will not ask for the exit again; has room for one, too
	tied   bool          // then the exit counts as noted when the owner has received it
	// order gives a connection to the init of a template; nil = this job is none. Such connections
	// come from shims, whose user is ours, as an App's is: a shim knows the key.
	order func(*net.UnixConn) error
	key   string
	// service is the talk of a service with its agent; nil = this job is none.
	service func(net.Conn, *bufio.Reader)

	mu      sync.Mutex
	clients []*client // oldest first
	exit    []byte    // once it is known
	report  []byte    // of a template, one line
	telling sync.WaitGroup
}

type client struct {
	conn    *net.UnixConn
	owner   bool // it is the owner's, not the App's
	shim    bool // it may be another shim's
	waiting bool
}

func listen(l *spec.Launch, token string) (*server, error) {
	lns, err := sock.Listen(token, l.Network)
	if err != nil {
		return nil, err
	}
	return &server{lns: lns, owner: l.OwnerUID, cancel: make(chan struct{}, 1), waits: make(chan struct{}, 1), noted: make(chan struct{}, 1), tied: l.Tied}, nil
}

// serve accepts until close.
func (s *server) serve() {
	for _, ln := range s.lns {
		go s.accept(ln)
	}
}

func (s *server) accept(ln *net.UnixListener) {
	for {
		conn, err := ln.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // somebody uses up all descriptors, for a while
			time.Sleep(acceptAgain)
			continue
		}
		peer, err := sock.PeerOf(conn)
		own := s.order != nil && peer.Known && peer.UID == os.Geteuid() && !peer.Isolated()
		if err != nil || peer.Known && !own && !s.allowed(peer) {
			_ = conn.Close()
			continue
		}
		c := &client{conn: conn, owner: !peer.Known || peer.UID == s.owner || peer.UID == 0, shim: own}
		s.add(c)
		go s.talk(c)
	}
}

// allowed is no App, whose user is the shim's own: its address is in /proc/net/unix, which Apps see.
func (s *server) allowed(p sock.Peer) bool {
	return (p.UID == s.owner || p.UID == 0) && (p.UID != os.Geteuid() || !p.Isolated())
}

// add drops the oldest client when there are too many: an agent connects again, and connections of
// agents that died do not pile up.
func (s *server) add(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients = append(s.clients, c); len(s.clients) > maxClients {
		_ = s.clients[0].conn.Close()
		s.clients = s.clients[1:]
	}
}

func (s *server) drop(c *client) {
	_ = c.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = slices.DeleteFunc(s.clients, func(o *client) bool { return o == c })
	wake(s.waits)
}

// attended reports whether the owner waits.
func (s *server) attended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.clients, func(c *client) bool { return c.owner && c.waiting })
}

// wake makes the next receive from c return. A second wake before that changes nothing.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *server) talk(c *client) {
	defer s.drop(c)
	_ = c.conn.SetReadDeadline(time.Now().Add(clientTimeout))
	for r := bufio.NewReaderSize(c.conn, 64); ; {
		verb, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if key, is := strings.CutPrefix(string(verb), sock.Order); is {
			if c.shim && s.key != "" && subtle.ConstantTimeCompare([]byte(key), []byte(s.key+"\n")) == 1 {
				_ = s.order(c.conn)
			}
			return // the init has the connection now
		}
		switch string(verb) {
		case sock.Report:
			s.mu.Lock()
			report := s.report
			s.mu.Unlock()
			if !c.owner || s.send(c, append([]byte(cmp.Or(string(report), "{}")), '\n')) != nil {
				return
			}
		case sock.Cancel:
			if !c.owner && c.shim {
				return
			}
			wake(s.cancel)
			_ = s.send(c, []byte(sock.OK))
		case sock.Noted:
			if c.owner {
				wake(s.noted)
			}
			_ = s.send(c, []byte(sock.OK))
		case sock.Service:
			if c.owner && s.service != nil {
				_ = c.conn.SetReadDeadline(time.Time{})
				s.service(c.conn, bufio.NewReader(r))
			}
			return
		case sock.Wait:
			_ = c.conn.SetReadDeadline(time.Time{}) // from here on a read returns when the client is gone
			s.mu.Lock()
			c.waiting = true
			exit := s.exit
			s.mu.Unlock()
			wake(s.waits)
			if exit != nil {
				s.tell(c, exit)
			}
		default:
			return
		}
	}
}

func (s *server) send(c *client, line []byte) error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(clientTimeout))
	_, err := c.conn.Write(line)
	return err
}

func (s *server) tell(c *client, exit []byte) {
	if s.send(c, exit) == nil && c.owner && s.tied {
		wake(s.noted)
	}
}

// finish tells the exit to everybody who waits, now and until close.
func (s *server) finish(exit []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exit = exit
	for _, c := range s.clients {
		if c.waiting {
			s.telling.Go(func() { s.tell(c, exit) })
		}
	}
}

// close removes the socket, and ends all connections once everybody has been told.
func (s *server) close() {
	for _, ln := range s.lns {
		_ = ln.Close()
	}
	s.telling.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		_ = c.conn.Close()
	}
}
