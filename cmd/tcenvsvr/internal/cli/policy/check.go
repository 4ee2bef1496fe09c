package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// signatureSuffix is that of a signature's file, beside the package's.
const signatureSuffix = ".minisig"

func checkCommand(e *env.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "check APP.tcx",
		Short: "say whether this App may run here, and by which rule",
		Long: `Check reads the package, and APP.tcx.minisig beside it if there is one, and says which rule
applies to it. What the policy asks of orders it takes as given, and names it.
Exit code 0 says that the App may run, 11 that it may not.

  tcenvsvr policy check my_app.tcx
  tcenvsvr policy check my_app.tcx --policy draft.yaml --json`,
		Args: cli.Exactly(1, "the App's file"),
	}
	asJSON, draft := cli.JSONFlag(c), draftFlag(c, e)
	timeout := c.Flags().Duration("timeout", 0, "an order that asks for so long (default: as long as it may)")
	e.Reads(c, func(args []string) []string {
		var names []string
		for _, a := range args {
			names = append(names, a, a+signatureSuffix)
		}
		return names
	})
	c.RunE = func(_ *cobra.Command, args []string) error {
		if *timeout < 0 {
			return cli.Usage("policy check: --timeout %s is negative", *timeout)
		}
		p, path, err := read(e, *draft)
		if err != nil {
			return err
		}
		a, err := checkApp(e, p, path, args[0], *timeout)
		if err != nil {
			return err
		}
		return a.print(e, p, *asJSON)
	}
	return c
}

func checkApp(e *env.Env, p *policy.Policy, path, file string, timeout time.Duration) (answer, error) {
	f, err := e.Open(file)
	if err != nil {
		return answer{}, fmt.Errorf("reading App: %w", err)
	}
	defer f.Close()
	ref, err := app.RefOf(f, tcx.Limits{})
	if err != nil {
		return answer{}, err
	}
	m, _, err := tcx.ReadManifestOf(f, tcx.Limits{})
	if err != nil {
		return answer{}, err
	}
	r := policy.Request{App: ref.Name, Version: ref.Version, SHA256: ref.SHA256, Timeout: timeout, Sealed: true}
	if runtime, err := m.Runtime(); err == nil {
		r.Runtime = runtime.Family()
	} else {
		r.Runtime = "service"
	}
	var orders []string
	if doc := p.View().Document; doc != nil {
		if doc.Orders.Signed == "required" && len(doc.Orders.Signers) > 0 {
			r.Signer = doc.Orders.Signers[0]
			orders = append(orders, fmt.Sprintf("its orders must be signed by one of %q", []string(doc.Orders.Signers)))
		}
		if doc.Orders.SealedParameters == "required" {
			orders = append(orders, "parameters that it calls encrypted must come sealed")
		}
	}
	said, publisher, err := whose(e, p, f, file)
	if err != nil {
		return answer{}, err
	}
	r.Publisher = publisher
	a := decide(p, path, r)
	a.Signature, a.Orders = said, orders
	return a, nil
}

// whose says what the signature beside a package is worth, and whose it is.
func whose(e *env.Env, p *policy.Policy, f *os.File, file string) (said, publisher string, err error) {
	s, err := e.Open(file + signatureSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return "none: there is no " + file + signatureSuffix, "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("reading signature: %w", err)
	}
	defer s.Close()
	text, err := io.ReadAll(io.LimitReader(s, 64<<10))
	if err != nil {
		return "", "", fmt.Errorf("reading signature: %w", err)
	}
	sig, err := signature.Decode(text)
	if err != nil {
		return err.Error(), "", nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", "", fmt.Errorf("reading App: %w", err)
	}
	now := time.Now()
	key, err := sig.Verify(f, p.PublisherKeys(now)...)
	if err != nil {
		return err.Error(), "", nil
	}
	publisher, _ = p.Publisher(key, now)
	return fmt.Sprintf("good, of key %s", key.ID), publisher, nil
}
