package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/cli/submission"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// distrust are the flags of run by which the operator need not believe the cloud.
type distrust struct {
	key     *operator.SecretKey
	signKey string
	signFor time.Duration
	pkg     string
	sha256  string
	sealing submission.Sealing
	dryRun  bool
}

func (d *distrust) add(o *operator.Env, c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.signKey, "sign-key", "", "sign the order with the secret key in this file")
	f.DurationVar(&d.signFor, "sign-for", time.Hour, "how long the signed order may wait for its start, at most 31 days (744h)")
	f.StringVar(&d.pkg, "package", "", "the App's package (.tcx): refuse to run any other")
	f.StringVar(&d.sha256, "sha256", "", "SHA-256 of the App's package: refuse to run any other")
	d.sealing.Add(f)
	f.BoolVar(&d.dryRun, "dry-run", false, "show what would be run and signed, and submit nothing")
	d.key = o.SecretKey(c)
}

// used reports whether the order is looked at before it is submitted.
func (d *distrust) used() bool {
	return d.signKey != "" || d.pkg != "" || d.sha256 != "" || d.sealing.Used() || d.dryRun
}

func (d *distrust) check(cmd *cobra.Command, q v1.NewExecution) error {
	switch {
	case d.signKey != "" && q.Version == "" && d.pkg == "":
		return cli.Misuse(cmd, "--sign-key wants APP@VERSION or --package: else the cloud would choose what is signed")
	case d.signFor < time.Second || d.signFor > signed.MaxLife:
		return cli.Misuse(cmd, "--sign-for %s is outside 1s–%s", d.signFor, signed.MaxLife)
	case d.sha256 != "" && !wire.SHA256(d.sha256).Valid():
		return cli.Misuse(cmd, "--sha256 wants 64 lower-case hexadecimal digits")
	}
	return d.sealing.Check(cmd, d.pkg)
}

// prepare seals, drafts, compares and signs the request as the flags say.
func (d *distrust) prepare(ctx context.Context, o *operator.Env, c *client.Client, q v1.NewExecution) (v1.NewExecution, submission.Report, error) {
	var none submission.Report
	id, err := uuid.NewV7()
	if err != nil {
		return q, none, fmt.Errorf("making an order id: %w", err)
	}
	q.ID = wire.OrderID(id.String())
	asked := submission.Asked{SHA256: wire.SHA256(d.sha256)}
	if d.pkg != "" {
		p, err := catalog.Inspect(d.pkg)
		if err != nil {
			return q, none, fmt.Errorf("reading package %q: %w", d.pkg, err)
		}
		asked.Package = &p
		if q.Version == "" {
			q.Version = p.Version
		}
	}
	var to []submission.Recipient
	if d.sealing.Used() {
		names, err := d.sealing.Names(asked.Package, q.Params)
		if err != nil {
			return q, none, err
		}
		if to, err = d.sealing.To(ctx, o, c, q.Environment); err != nil {
			return q, none, err
		}
		if err := submission.Seal(q.Params, names, to, envelope.Binding{Environment: q.Environment, Order: q.ID}); err != nil {
			return q, none, err
		}
	}
	draft, err := c.Draft(ctx, q)
	if err != nil {
		return q, none, err
	}
	asked.Request = q
	report, err := asked.Check(draft)
	if err != nil {
		return q, none, fmt.Errorf("nothing was submitted: %w", err)
	}
	report.SealedTo = to
	submission.Confirm(&q, draft)
	if d.signKey == "" {
		return q, report, nil
	}
	k, err := d.key.Read(ctx, d.signKey)
	if err != nil {
		return q, none, err
	}
	until, err := submission.Sign(&q, draft, k, time.Now(), d.signFor)
	if err != nil {
		return q, none, err
	}
	report.KeyID, report.NotAfter = k.Public().ID.String(), until.UTC().Format(time.RFC3339)
	return q, report, nil
}

// announce tells what is signed, before it is.
func announce(o *operator.Env, r submission.Report) {
	if r.KeyID != "" {
		fmt.Fprintln(o.Stderr, "tccloud: this order is signed:")
		r.Print(o.Stderr)
	}
}

func dryRun(o *operator.Env, asJSON bool, r submission.Report) error {
	return cli.Answer(o.Stdout, asJSON, r, func(w io.Writer) { r.Print(w) })
}
