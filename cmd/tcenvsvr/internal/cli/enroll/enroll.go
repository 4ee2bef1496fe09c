package enroll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	keychaincmd "tcenvsvr/cmd/tcenvsvr/internal/cli/keychain"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

// enrollment is one call of enroll.
type enrollment struct {
	*env.Env
	host
	source, keystore, keystorePassword string // arguments
	masterKey                          string
	folder                             bool // source is a bundle that was unpacked
	yes, replace                       bool
	flags                              func() map[string]string // settings
}

// Command returns "enroll".
func Command(e *env.Env) *cobra.Command {
	n := &enrollment{Env: e}
	c := &cobra.Command{
		Use:   "enroll [FILE|FOLDER|LINK|-]",
		Short: "connect this host to an Environment by its bundle",
		Long: `Enroll makes this host a server of an Environment. It reads a bundle that was
downloaded from the Dedicated Cloud, the folder it was unpacked into, a one-time link
to one, a .env file alone (this server moves to another Environment), or "-" for
standard input; --keystore takes the certificate from a PKCS#12 file instead. It shows
what changes, asks, proves with the new identity that broker and API take this server,
and only then stores it: settings with their secrets sealed by the keychain, and the
keystore. What fails changes nothing. Settings of a newer cloud that this version does
not know are named and not used. Without an argument the bundle is asked for.
At the end the cloud is told the key to which parameters may be sealed, signed by the new
certificate; its fingerprint, which is printed, is for those who submit orders.

Settings given as flags are stored with those of the bundle and win over them: behind a
proxy give it here, or set it first ("tcenvsvr settings set").

A host without a keychain gets one; its master password is asked for twice, or taken
from --master-key-file, which becomes the setting masterKeyFile.

  tcenvsvr enroll threatconnect-envsvr-bundle.zip
  tcenvsvr enroll 'https://cloud.example/enroll/…#sha256=…'
  tcenvsvr enroll environment.env
  tcenvsvr enroll bundle.zip --proxyTC true --proxyHost proxy.example.com --proxyPort 3128
  tcenvsvr enroll bundle.zip --yes --master-key-file /etc/threatconnect-envsvr/masterkey`,
		Args: func(c *cobra.Command, args []string) error {
			n.source = strings.Join(args, "")
			if len(args) > 1 {
				return cli.Usage("%s takes a bundle's file or folder, its link or \"-\", or --keystore", c.CommandPath())
			}
			return nil
		},
		PreRunE: func(c *cobra.Command, _ []string) error { // before root's files are opened
			if n.source == "" && n.keystore == "" {
				if err := n.ask(c); err != nil {
					return err
				}
			}
			n.folder = isFolder(n.source) // root sees more than the user whom it becomes
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			err := n.run(c.Context())
			if err != nil && n.paths.Audit != "" {
				if _, there := os.Stat(n.paths.Logs); there == nil {
					why, _, _ := strings.Cut(err.Error(), "\n")
					audit.Open(n.paths.Audit).Record(audit.EnrollRefused, "err", why)
				}
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&n.keystore, "keystore", "", "PKCS#12 file with the client certificate, its key and the cloud's CAs")
	f.StringVar(&n.keystorePassword, "keystore-password-file", "", "file with its password; it is asked for otherwise")
	f.BoolVar(&n.yes, "yes", false, "do not ask")
	f.BoolVar(&n.replace, "replace", false, "become another server, and give up what this one has not reported")
	keychaincmd.MasterKeyFlag(e, c, &n.masterKey)
	e.Reads(c, func([]string) []string {
		if enroll.IsLink(n.source) {
			return nil
		}
		if n.folder {
			return append(bundle.FolderFiles(n.source), n.keystore, n.keystorePassword)
		}
		return []string{n.source, n.keystore, n.keystorePassword}
	})
	n.flags = env.SettingFlags(c)
	return c
}

func (n *enrollment) run(ctx context.Context) error {
	if err := n.look(n.Env); err != nil {
		return err
	}
	if enroll.IsLink(n.source) {
		return n.byLink(ctx)
	}
	offer, err := n.offer(ctx)
	if err != nil {
		return err
	}
	return n.accept(ctx, offer)
}

// byLink enrolls by a link, which works once. It asks and unlocks first, so that little can fail
// after the link is used up.
func (n *enrollment) byLink(ctx context.Context) error {
	if err := enroll.CheckLink(n.source); err != nil {
		return err
	}
	if !n.yes {
		_, done, err := n.Terminal()
		if err != nil {
			return errNoTerminal
		}
		done()
	}
	if err := n.unlock(ctx, n.masterKey); err != nil {
		return err
	}
	offer, err := n.offer(ctx)
	if err != nil {
		return err
	}
	if err := n.accept(ctx, offer); err != nil {
		return fmt.Errorf("%w\nhint: the link is used up by now: make another with \"tccloud bundle ENV --link\"", err)
	}
	return nil
}

// accept makes this host the server that is offered, once the offer is confirmed and proved.
func (n *enrollment) accept(ctx context.Context, offer enroll.Offer) error {
	// An empty value in a bundle changes nothing here; an empty flag empties the setting.
	maps.DeleteFunc(offer.Settings, func(_, text string) bool { return text == "" })
	offer.Flags = n.flags()
	for _, name := range offer.TakeUnknown() {
		fmt.Fprintf(n.Stderr, "the bundle has the setting %q, which this version does not know: it is not used\n", name)
	}
	if err := n.unlock(ctx, n.masterKey); err != nil {
		return err
	}
	if n.unusable != nil && !errors.Is(n.unusable, bundle.ErrPassword) {
		fmt.Fprintf(n.env.Stderr, "the keystore of this host is not usable: %v\n", n.unusable)
	}
	plan, err := enroll.New(n.Current, offer)
	if err != nil {
		return err
	}
	if plan.Replaces != "" {
		if err := n.replaces(ctx, plan); err != nil {
			return err
		}
	}
	if err := n.prepareKeychain(ctx, n.masterKey, plan); err != nil {
		return err
	}
	defer clear(n.password)
	n.show(plan)
	if err := n.confirm(ctx, n.yes, "Enroll this host?"); err != nil {
		return err
	}
	reach, err := n.dialing(plan.Settings, plan.CAs)
	if err != nil {
		return err
	}
	environment, err := plan.Prove(ctx, reach)
	if err != nil {
		return fmt.Errorf("%w\nnothing was changed%s", err, proxyHint(n.Environ, plan.Settings))
	}
	if err := n.store(plan); err != nil {
		return err
	}
	audit.Open(n.paths.Audit).Record(audit.Enrolled, "server_xid", plan.Settings.ServerXID, "environment", environment,
		"broker", plan.Settings.BrokerAddr(), "replaced", plan.Replaces)
	fmt.Fprintf(n.Stderr, "enrolled as server %q of Environment %q; broker and API answer\n", plan.Settings.ServerXID, environment)
	n.publishSealKey(ctx, plan, reach)
	n.next(ctx, plan)
	return nil
}

// next says what to type now.
func (n *enrollment) next(ctx context.Context, plan *enroll.Plan) {
	commands := []string{svc.Advice()}
	if n.running(ctx) {
		fmt.Fprintln(n.Stderr, "the running service goes on as it was")
		commands = []string{svc.RestartAdvice()}
	}
	_, password, err := masterkey.First(ctx, masterkey.Sources(masterkey.Config{File: plan.Settings.MasterKeyFile, Dir: n.paths.State, Getenv: n.Getenv}))
	clear(password)
	if err != nil { // the service does not find it either
		commands = append(commands, "tcenvsvr keychain unlock")
	}
	fmt.Fprintf(n.Stderr, "next, as root:\n  %s\n", strings.Join(append(commands, "tcenvsvr status"), "\n  "))
}

// ask asks for the bundle.
func (n *enrollment) ask(c *cobra.Command) error {
	missing := cli.Usage("%s takes a bundle's file or folder, its link or \"-\", or --keystore\nhint: download the bundle of an Environment from the Dedicated Cloud; in a terminal it is asked for", c.CommandPath())
	terminal, done, err := n.Terminal()
	if err != nil {
		return missing
	}
	defer done()
	if n.source, err = terminal.Line(c.Context(), "The bundle's file, or a link to it: "); err != nil {
		return fmt.Errorf("asking for the bundle: %w", err)
	}
	if n.source = strings.TrimSpace(n.source); n.source == "" {
		return missing
	}
	return nil
}

// proxyHint offers the proxy that other programs of this host use, where enrolling without one has
// failed.
func proxyHint(environ []string, s settings.Settings) string {
	p := settings.FindOtherProxy(environ)
	if p == nil || s.ProxyTC {
		return ""
	}
	return fmt.Sprintf("\nhint: the proxy that %s names is not used unless it is given: --proxyTC true --proxyHost %s --proxyPort %s", p.Variable, p.Host, cmp.Or(p.Port, "PORT"))
}

// replaces refuses to become another server without --replace, and prints what is lost.
func (n *enrollment) replaces(ctx context.Context, plan *enroll.Plan) error {
	lost, err := n.unreported(ctx)
	if err != nil {
		return err
	}
	text := "nothing of it is unreported"
	if lost > 0 {
		text = fmt.Sprintf("%d orders or results that the cloud does not have yet would be lost", lost)
	}
	if !n.replace {
		return fmt.Errorf("%w: it is %q, the bundle is for %q; %s\nhint: --replace does it all the same; a bundle of \"tccloud bundle ENV --server %s\" keeps the identity",
			enroll.ErrOther, plan.Replaces, plan.Settings.ServerXID, text, plan.Replaces)
	}
	fmt.Fprintf(n.Stderr, "server %q is given up: %s\n", plan.Replaces, text)
	return nil
}

// show prints what changes.
func (n *enrollment) show(plan *enroll.Plan) {
	fmt.Fprintf(n.Stderr, "server %q of Environment %q at %s\n", plan.Settings.ServerXID, plan.Settings.Environment, plan.Settings.BrokerAddr())
	w := cli.Columns(n.Stderr)
	for _, c := range plan.Changes {
		if c.Old == "" {
			fmt.Fprintf(w, "  %s\t%s\n", c.Name, c.New)
		} else {
			fmt.Fprintf(w, "  %s\t%s → %s\n", c.Name, c.Old, cmp.Or(c.New, "<empty>"))
		}
	}
	_ = w.Flush() // to a terminal or a log of the caller's
}
