package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// Addresses of the two ends of the wire; every machine has a wire of its own.
const (
	Address      = "10.97.0.2" // the machine's
	CloudAddress = "10.97.0.1"
	CloudName    = "cloud.example.com"
)

// Network is two network namespaces and a wire: in one is the machine, in the other a cloud may be.
// Nothing else is in either.
type Network struct {
	name  string // of the machine's namespace
	cloud string // of the other
}

var networks atomic.Int32

func newNetwork(t Owner) Network {
	t.Helper()
	name := fmt.Sprintf("tchost-%d-%d", os.Getpid(), networks.Add(1))
	n := Network{name: name, cloud: name + "-cloud"}
	for _, namespace := range []string{n.name, n.cloud} {
		ip(t, "netns add "+namespace)
		t.Cleanup(func() { ip(t, "netns del "+namespace) })
		ip(t, "-n "+namespace+" link set lo up")
	}
	ip(t, "-n "+n.name+" link add eth0 type veth peer name eth0 netns "+n.cloud)
	for namespace, address := range map[string]string{n.name: Address, n.cloud: CloudAddress} {
		ip(t, "-n "+namespace+" address add "+address+"/24 dev eth0")
		ip(t, "-n "+namespace+" link set eth0 up")
	}
	return n
}

func ip(t Owner, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// CloudNamespace is the file of the namespace that the cloud may be in.
func (n Network) CloudNamespace() string { return "/run/netns/" + n.cloud }

// InCloud writes a program that runs the given one in the cloud's namespace.
func (n Network) InCloud(dir, program string) (string, error) {
	wrapper := filepath.Join(dir, filepath.Base(program)+"-in-cloud")
	script := fmt.Sprintf("#!/bin/sh\nexec ip netns exec %s %s \"$@\"\n", n.cloud, program)
	return wrapper, os.WriteFile(wrapper, []byte(script), 0o755)
}
