package enroll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/enroll/identity"
	facts "tcenvsvr/agent/host/facts"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	keychaincmd "tcenvsvr/cmd/tcenvsvr/internal/cli/keychain"
)

// identitySettings are the settings that an enrollment brings, and the sealed ones; unenrolling
// removes them.
var identitySettings = []string{
	"apiURL", "appDeliveryToken", "brokerHost", "brokerToken", "environment", "keystorePassword", "serverName", "serverXid", "proxyPassword",
}

// UnenrollCommand returns "unenroll".
func UnenrollCommand(e *env.Env) *cobra.Command {
	var file string
	var yes bool
	c := &cobra.Command{
		Use:   "unenroll",
		Short: "end this host's membership of its Environment",
		Long: `Unenroll tells the cloud that this server will not come back, and removes its
identity and every secret: certificate, tokens, proxy password and keychain. Logs,
Apps and the other settings stay. On a clone of a host that is connected only the clone
gives the identity up; its original goes on. The service must be stopped. Where the cloud cannot be
reached, or the master password is lost, the host is cleared all the same, and the server
is to be revoked in the cloud.

  tcenvsvr unenroll
  tcenvsvr unenroll --yes`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return leave(c.Context(), &host{}, e, file, yes) },
	}
	keychaincmd.MasterKeyFlag(e, c, &file)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func leave(ctx context.Context, h *host, e *env.Env, file string, yes bool) error {
	if err := h.look(e); err != nil {
		return err
	}
	xid := h.Settings.ServerXID
	if _, err := os.Lstat(h.paths.Keystore); xid == "" && errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("unenrolling: %w", settings.ErrNotEnrolled)
	}
	if h.running(ctx) {
		return errors.New("unenrolling: the service runs as this server\nhint: stop it first (\"systemctl stop threatconnect-envsvr\")")
	}
	lost, err := h.unreported(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "server %q of Environment %q at %s is given up, with its certificate, tokens and keychain\n", xid, h.Settings.Environment, h.Settings.BrokerAddr())
	if lost > 0 {
		fmt.Fprintf(e.Stderr, "%d orders or results that the cloud does not have yet are lost\n", lost)
	}
	if err := h.confirm(ctx, yes, "Unenroll this host?"); err != nil {
		return err
	}
	inUse, cloudErr := h.leaveCloud(ctx, file)
	if inUse != "" {
		fmt.Fprintf(e.Stderr, "the cloud keeps server %q, because another host is connected as it: %s; only this host gives the identity up\n", xid, inUse)
	}
	if cloudErr != nil {
		fmt.Fprintf(e.Stderr, "the cloud was not told: %v\nrevoke the server there: \"tccloud server revoke %s\"\n", cloudErr, xid)
	}
	changes := map[string]string{}
	for _, name := range identitySettings {
		changes[name] = ""
	}
	// The settings decide: without them the host is not enrolled, whatever is left.
	if err := settings.Set(h.paths.Settings, changes, nil); err != nil {
		return err
	}
	if err := identity.Remove(h.paths.Keystore); err != nil {
		return fmt.Errorf("removing the keystore: %w", err)
	}
	for _, file := range []string{h.paths.SealKeys, h.paths.SealKeys + ".lost", h.paths.Keychain} {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing the keychain and what it seals: %w", err)
		}
	}
	audit.Open(h.paths.Audit).Record(audit.Unenrolled, "server_xid", xid, "cloud_told", cloudErr == nil, "kept_by", inUse)
	fmt.Fprintln(e.Stderr, "unenrolled")
	return nil
}

// leaveCloud has the cloud forget this server. If this host is a clone, the cloud keeps the server
// for the original, which inUse names; otherwise inUse is "".
func (h *host) leaveCloud(ctx context.Context, file string) (inUse string, err error) {
	if err := h.unlock(ctx, file); err != nil {
		return "", err
	}
	if h.Identity == nil {
		return "", cmp.Or(h.unusable, errors.New("there is no keystore"))
	}
	reach, err := h.dialing(h.Settings, h.Identity.CAs())
	if err != nil {
		return "", err
	}
	machine, _ := facts.New(ctx) // what is not known is left out
	reach.BootID, reach.MachineID = machine.BootID(), machine.MachineID()
	return enroll.Leave(ctx, h.Settings, h.Identity.Current(), reach)
}
