package gateway_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/gob"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// idleAgents is how many agents BenchmarkIdle connects. They share a process, so that with the
// gateway's end they stay below usual limits on descriptors.
const idleAgents = 2000

// identities is what the gateway's process hands to the agents' one.
type identities struct {
	Addr  string
	CA    []byte
	Certs [][]byte
	Keys  [][]byte
}

// TestIdleGateway is the gateway's process of BenchmarkIdle.
func TestIdleGateway(t *testing.T) {
	file := os.Getenv("TCCLOUD_IDLE")
	if file == "" {
		t.Skip("only started by BenchmarkIdle")
	}
	c := rig.Start(t, rig.Options{})
	id := identities{Addr: c.Gateway.Addr().String(), CA: c.CA.Raw()}
	for i := range idleAgents {
		cert := c.CA.Issue(t, fmt.Sprintf("s%d", i))
		key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		id.Certs, id.Keys = append(id.Certs, cert.Certificate[0]), append(id.Keys, key)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := gob.NewEncoder(f).Encode(id); err != nil {
		t.Fatal(err)
	}
	f.Close()
	id = identities{}
	debug.FreeOSMemory()
	fmt.Println("READY")
	bufio.NewReader(os.Stdin).ReadString('\n') // until the parent ends
}

// BenchmarkIdle measures the gateway's memory for each idle agent over TLS: resident set of its
// process, after the heap has settled and before.
func BenchmarkIdle(b *testing.B) {
	file := filepath.Join(b.TempDir(), "identities")
	cmd := exec.Command(os.Args[0], "-test.run", "^TestIdleGateway$", "-test.v")
	cmd.Env = append(os.Environ(), "TCCLOUD_IDLE="+file)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	for lines := bufio.NewScanner(out); ; {
		if !lines.Scan() {
			b.Fatal("the gateway did not start")
		}
		if strings.Contains(lines.Text(), "READY") {
			break
		}
	}
	var id identities
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := gob.NewDecoder(f).Decode(&id); err != nil {
		b.Fatal(err)
	}
	before := rss(b, cmd.Process.Pid)
	pool := x509.NewCertPool()
	ca, err := x509.ParseCertificate(id.CA)
	if err != nil {
		b.Fatal(err)
	}
	pool.AddCert(ca)
	began := time.Now()
	var wg sync.WaitGroup
	places := make(chan struct{}, idleAgents) // all at once
	for i := range idleAgents {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			key, err := x509.ParsePKCS8PrivateKey(id.Keys[i])
			if err != nil {
				b.Error(err)
				return
			}
			nc, err := tls.Dial("tcp", id.Addr, &tls.Config{
				RootCAs: pool, ServerName: "127.0.0.1", NextProtos: []string{wire.ALPN},
				Certificates: []tls.Certificate{{Certificate: [][]byte{id.Certs[i]}, PrivateKey: key}},
			})
			if err != nil {
				b.Error(err)
				return
			}
			c := conn.Raw(nc)
			xid := fmt.Sprintf("s%d", i)
			c.Write(&wire.Hello{Protocol: 1, BrokerToken: "token-" + xid, ServerXID: wire.ServerXID(xid), Slots: 4})
			if m, err := c.Read(rig.Timeout); err != nil || m.Kind() != wire.KindWelcome {
				b.Errorf("%s: %v %v", xid, m, err)
			}
			b.Cleanup(func() { c.Close() })
			go func() {
				for {
					m, err := c.Read(time.Minute)
					if err != nil {
						return
					}
					if p, ok := m.(*wire.Ping); ok {
						c.Write(&wire.Pong{Seq: p.Seq})
					}
				}
			}()
		})
	}
	wg.Wait()
	joined := time.Since(began)
	time.Sleep(15 * time.Second) // heartbeats go both ways meanwhile
	b.ReportMetric(float64(rss(b, cmd.Process.Pid)-before)/idleAgents, "KB/agent")
	b.ReportMetric(idleAgents/joined.Seconds(), "joins/s")
}

// rss is the resident set of a process in KB.
func rss(b *testing.B, pid int) int {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("no /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		b.Fatal(err)
	}
	return kb
}
