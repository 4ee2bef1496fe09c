package main

import (
	"bytes"
	"context"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rogpeppe/go-internal/testscript"

	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// startNATS: sets NATS to the address of a NATS server of the script's own.
func startNATS(ts *testscript.TestScript, _ bool, _ []string) {
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: ts.MkAbs("nats"), NoLog: true, NoSigs: true,
	})
	ts.Check(err)
	ns.Start()
	ts.Defer(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(time.Minute) {
		ts.Fatalf("the NATS server does not start")
	}
	ts.Setenv("NATS", ns.ClientURL())
}

// mkupdate FILE REPO KEYS VERSION: a bundle of the update repository in the folder REPO, which is made with
// the keys in the folder KEYS when it is not there, and of which the version is one more release.
func mkupdate(ts *testscript.TestScript, _ bool, args []string) {
	dir, pems, version, program := ts.MkAbs(args[1]), ts.MkAbs(args[2]), args[3], ts.MkAbs("program-"+args[3])
	repo, err := repository.Open(dir)
	if err != nil {
		repo, err = repository.Init(dir, pems, repository.Offline{Keys: 1, Threshold: 1})
	}
	ts.Check(err)
	ts.Check(os.WriteFile(program, []byte("program "+version), 0o755))
	_, err = repo.Add(program, release.Release{Version: version, OS: "linux", Arch: "amd64"})
	ts.Check(err)
	keys, err := repository.ReadKeys(pems)
	ts.Check(err)
	_, err = repo.Sign(keys)
	ts.Check(err)
	var b bytes.Buffer
	ts.Check(repo.Bundle(context.Background(), &b))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}
