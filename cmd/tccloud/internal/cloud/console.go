package cloud

import (
	"context"
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/console"
	"tcenvsvr/cmd/tccloud/internal/console/session"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// openConsole makes the web console. It asks the API in this process.
func openConsole(ctx context.Context, cfg Config, st *store.Store, c *cloud) error {
	kv, err := st.KV(ctx, session.Bucket, store.KVOptions{TTL: session.Life})
	if err != nil {
		return err
	}
	c.console, err = console.New(console.Config{
		API: c.api.AdminHandler(), Accounts: c.users, Sessions: session.NewStore(kv), Version: cfg.Version,
		Logger: cfg.Logger.With("component", "console"),
	})
	return err
}

// consoleOf is the console for the two ports, which are opened before there is one and serve after.
func consoleOf(c *cloud) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.console.ServeHTTP(w, r) })
}
