package stage

import (
	"os"
	"path/filepath"
	"strings"
)

// Node is one node of the cluster that keeps a cloud.
type Node struct {
	*Process
	Addr  string // for gateways
	Data  string // its folder
	stage *Stage
	peers string
}

// Nodes are the nodes of a cluster at these addresses, host:port; none of them runs.
func (s *Stage) Nodes(addrs, peers []string) []*Node {
	all := make([]*Node, len(addrs))
	for i, addr := range addrs {
		all[i] = &Node{Addr: addr, Data: filepath.Join(s.Dir, "node-"+strings.ReplaceAll(addr, ":", "-")), stage: s, peers: strings.Join(peers, ",")}
	}
	return all
}

// Start runs the node, for the first time or again.
func (n *Node) Start() (err error) {
	n.Process, err = Start(n.Data+".log", nil, n.stage.CloudBin, "node", "--data", n.Data, "--listen", n.Addr, "--peers", n.peers)
	return err
}

// Empty takes all that a node that is killed has on its disk.
func (n *Node) Empty() error { return os.RemoveAll(n.Data) }
