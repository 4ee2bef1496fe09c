package pam

import (
	"context"
	"runtime"

	"tcenvsvr/agent/host/tool"
)

// What the tests need that use a copy of the host; they are of another package, because that copy
// is set up by a package that imports this one.

const Block = block

var (
	Replace     = replace
	RandomStack = randomStack
)

// Insert returns a su file with the block, in the place that it has on this host.
func Insert(su []byte) ([]byte, error) { return newStack(File).insertBlock(su) }

// Prove tries a su file with and without the block.
func Prove(ctx context.Context, plain, with []byte) (useful bool, err error) {
	_, useful, err = newStack(File).prove(ctx, plain, with)
	return useful, err
}

// NobodyBecomesRoot tries a su file as nobody.
func NobodyBecomesRoot(ctx context.Context, su []byte) (became bool, fromSu, err error) {
	var tries []try
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		tries, err = newStack(File).try(ctx, su, wrong, map[string]tool.Account{
			"root": {}, "nobody": {UID: 65534, GID: 65534}, "threatconnect": {UID: 65533, GID: 65533},
		})
	}()
	<-ended
	for _, t := range tries {
		if t.from == "nobody" && t.to == "root" {
			return t.became, t.err, err
		}
	}
	return false, nil, err
}

// ModelDecides is what the model of libpam says about su.
func ModelDecides(files, answers map[string]string, debian bool) string {
	m := &model{files: files, answers: answers, debian: debian}
	m.load("su", 0, 0)
	return m.decide()
}
