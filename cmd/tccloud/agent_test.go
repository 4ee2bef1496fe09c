package main

import (
	"archive/zip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// agent BUNDLE [ENVIRONMENT [PUBLICKEY]] is a program that connects as the bundle says and pretends to
// run orders: their parameter "do" is the outcome, "hang", "limited", or "upload", which brings a batch to the platform. With the Environment's name it states a
// sealing key, which it keeps in BUNDLE.ring and of which BUNDLE.pin has the fingerprint; with a
// public key it rejects orders that are not signed with it.
func agent() {
	s, err := newSecurity(os.Args[1:])
	if err == nil {
		err = pretend(os.Args[1], s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func pretend(bundle string, sec *security) error {
	env, config, err := unpack(bundle)
	if err != nil {
		return err
	}
	nc, err := tls.Dial("tcp", env["brokerHost"], config)
	if err != nil {
		return err
	}
	c := conn.Raw(nc)
	sec.api, sec.roots = env["apiURL"], config.RootCAs
	statement, err := sec.statement(wire.ServerXID(env["serverXid"]), config.Certificates[0])
	if err != nil {
		return err
	}
	err = c.Write(&wire.Hello{
		SealKey:  statement,
		Protocol: 1, BrokerToken: env["brokerToken"], ServerXID: wire.ServerXID(env["serverXid"]), ServerName: env["serverName"],
		Version: "1.2.3", OS: "linux", Arch: "amd64", BootID: "b", Slots: 100, Executors: 100,
	})
	for err == nil {
		var m wire.Message
		if m, err = c.Read(time.Minute); err != nil {
			break
		}
		switch m := m.(type) {
		case *wire.Welcome:
			err = os.WriteFile("connected", nil, 0o644)
		case *wire.Error:
			err = fmt.Errorf("%s: %s", m.Code, m.Message)
		case *wire.Ping:
			err = c.Write(&wire.Pong{Seq: m.Seq})
		case *wire.Order:
			err = obey(c, m, sec)
		case *wire.Cancel:
			err = end(c, m.Ref, wire.Cancelled)
		case *wire.Control:
			err = controlled(c, m)
		}
	}
	return err
}

// controlled says that it drains, or what else it was asked.
func controlled(c *conn.Conn, m *wire.Control) error {
	switch m.Action {
	case wire.ActionDrain, wire.ActionResume:
		return c.Write(&wire.Info{Draining: m.Action == wire.ActionDrain})
	case wire.ActionRestart:
		return fmt.Errorf("asked to %s", m.Action)
	}
	return atomicfile.WriteFile("asked", []byte(string(m.Action)+m.Args["level"]), 0o644) // who waits for it reads all of it
}

func obey(c *conn.Conn, m *wire.Order, sec *security) error {
	if err := sec.check(m); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		return errors.Join(c.Write(&wire.Accepted{Ref: m.Ref}), end(c, m.Ref, wire.Rejected))
	}
	for _, s := range []wire.Message{
		&wire.Accepted{Ref: m.Ref}, &wire.Progress{Ref: m.Ref, State: wire.StateRunning},
		&wire.Log{Ref: m.Ref, Stream: wire.Stdout, Data: []byte("to stdout\n")},
		&wire.Log{Ref: m.Ref, Stream: wire.Stderr, Data: []byte("to stderr\n")},
	} {
		if err := c.Write(s); err != nil {
			return err
		}
	}
	if m.Params["do"] == "limited" { // its limits are its message
		return c.Write(&wire.Result{Ref: m.Ref, Outcome: wire.Succeeded, Message: m.Limits.String()})
	}
	if m.Params["do"] == "upload" {
		if err := upload(sec.api, m.Token, sec.roots); err != nil {
			fmt.Fprintln(os.Stderr, "agent:", err)
			return end(c, m.Ref, wire.Failed)
		}
		return end(c, m.Ref, wire.Succeeded)
	}
	if m.Params["do"] == "hang" {
		return os.WriteFile("hangs", nil, 0o644)
	}
	return end(c, m.Ref, wire.Outcome(m.Params["do"]))
}

// upload brings a batch of three indicators to the platform, the type of one of which does not exist, and
// counts.
func upload(url, token string, roots *x509.CertPool) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	post := func(path, body string) (string, error) {
		r, err := http.NewRequest(http.MethodPost, url+"/api"+path, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		r.Header.Set("Authorization", "TC-Token "+token)
		res, err := client.Do(r)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if res.StatusCode/100 != 2 {
			err = fmt.Errorf("%s: %s %s", path, res.Status, text)
		}
		return string(text), err
	}
	text, err := post("/v2/batch", `{"owner":"Source","action":"Create","haltOnError":"false","version":"V2"}`)
	if err != nil {
		return err
	}
	_, id, _ := strings.Cut(text, `"batchId":`)
	id, _, _ = strings.Cut(id, "}")
	if _, err := post("/v2/customMetrics", `{"name":"seen\u001b[31m","dataType":"Average","interval":"Weekly","keyedValues":true}`); err != nil {
		return err
	}
	for _, value := range []string{`{"name":"\u001b[31mk","value":2,"weight":3,"date":"2026-04-12T01:00:00Z"}`, `{"name":"\u001b[31mk","value":4,"date":"2026-04-06T00:00:00Z"}`, `{"name":"old","value":1,"date":"0000-01-01T00:00:00Z"}`} {
		if _, err := post("/v2/customMetrics/1/data", value); err != nil {
			return err
		}
	}
	_, err = post("/v2/batch/"+id, `{"indicator":[{"type":"Host","summary":"a"},{"type":"Host","summary":"b"},{"type":"Ghost","summary":"\u001b[31mc"}]}`)
	return err
}

func end(c *conn.Conn, ref wire.Ref, o wire.Outcome) error {
	size := wire.OutputSize{Written: 10, Kept: 10}
	return c.Write(&wire.Result{
		Ref: ref, Outcome: o, Message: "it \x1b[31m" + string(o) + "\n", Results: map[string]string{"last": "7", "password": "l3ft-by-a-run"},
		Output: map[wire.Stream]wire.OutputSize{wire.Stdout: size, wire.Stderr: size},
	})
}

func unpack(bundle string) (map[string]string, *tls.Config, error) {
	z, err := zip.OpenReader(bundle)
	if err != nil {
		return nil, nil, err
	}
	defer z.Close()
	content := make(map[string][]byte)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, nil, err
		}
		if content[f.Name], err = io.ReadAll(r); err != nil {
			return nil, nil, err
		}
	}
	const folder = "threatconnect-envsvr/.tcenvsvr/"
	env := make(map[string]string)
	for line := range strings.Lines(string(content[folder+"environment.env"])) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[k] = v
	}
	key, cert, cas, err := pkcs12.DecodeChain(content[folder+"keystore.p12"], env["keystorePassword"])
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	for _, ca := range cas {
		roots.AddCert(ca)
	}
	return env, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		RootCAs:      roots, NextProtos: []string{wire.ALPN},
	}, nil
}
