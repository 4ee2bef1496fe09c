package cloud

import (
	"context"
	"fmt"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// openAccess opens what is kept of users, tokens and who did what.
func openAccess(ctx context.Context, cfg Config, st *store.Store, c *cloud) error {
	stream, err := st.Stream(ctx, audit.StreamConfig(st.Share(16, 1<<30)))
	if err != nil {
		return err
	}
	c.audit = audit.New(st.JS(), stream, cfg.Logger.With("component", "audit"))
	kv, err := st.KV(ctx, access.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		return err
	}
	own := access.Config{KV: kv, Audit: c.audit, Logger: cfg.Logger.With("component", "access")}
	if cfg.SignOn != nil {
		own.Issuer = cfg.SignOn.Issuer
	}
	c.users, err = access.Open(ctx, own)
	return err
}

// welcome makes, while there are no users, the link by which the first one signs in to the console. It
// is kept in a file, because it must not be written to a log.
func (c *cloud) welcome(ctx context.Context, cfg Config, p *ports) error {
	path := filepath.Join(cfg.Data, client.LinkFile)
	if len(c.users.List()) > 0 {
		return atomicfile.Remove(path)
	}
	secret, _, err := c.users.NewLink(ctx, "")
	if err != nil {
		return err
	}
	url := p.publicURL + access.LinkPath + secret
	if err := atomicfile.WriteFile(path, []byte(url+"\n"), 0o600); err != nil {
		return fmt.Errorf("writing the link of the first start: %w", err)
	}
	if terminal(cfg.Notice) {
		fmt.Fprintf(cfg.Notice, "Nobody can sign in to the console yet. This link makes the first administrator, once, within %s (kept in %s):\n%s\n", access.FirstLinkLife, path, url)
	} else {
		cfg.Logger.Info("nobody can sign in to the console yet: a one-time link makes the first administrator", "file", path)
	}
	return nil
}
