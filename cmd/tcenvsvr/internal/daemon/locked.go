package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// vault is the keychain as the service opens it. Without the master password the service does not
// end, because the service manager would only start it again. It is locked, says so, and waits for
// "tcenvsvr keychain unlock".
type vault struct {
	Config
	paths  paths.Paths
	chain  *keychain.Keychain // nil if nothing is sealed
	file   string             // setting masterKeyFile
	logger *slog.Logger
	audit  *audit.Log

	mu     sync.Mutex
	opened chan struct{} // closed when unlocked
}

// openVault opens the keychain if s has sealed secrets. It returns errStopped if the service was
// stopped while it was locked.
func openVault(ctx context.Context, c Config, p paths.Paths, s settings.Settings, logger *slog.Logger, log *audit.Log) (*vault, error) {
	v := &vault{Config: c, paths: p, file: s.MasterKeyFile, logger: logger.With("component", "keychain"), audit: log, opened: make(chan struct{})}
	if !s.Sealed() {
		return v, nil
	}
	var err error
	v.chain, err = keychain.Open(p.Keychain)
	if errors.Is(err, keychain.ErrMissing) {
		return nil, fmt.Errorf("%w, and it sealed secrets in the settings\nhint: restore it from a backup; without one \"tcenvsvr keychain init --replace\" starts anew and says what is lost", err)
	}
	if err != nil {
		return nil, err
	}
	if err := masterkey.Harden(); err != nil {
		v.logger.Warn("memory of this process may be dumped", "err", err)
	}
	kept := masterkey.Restore(c.getenv)
	reason := v.try(ctx, kept)
	clear(kept)
	if reason != nil && c.Ask != nil {
		reason = v.askTerminal(ctx)
	}
	if reason != nil {
		if err := v.wait(ctx, reason); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Unseal is settings.Options.Unseal of a running service.
func (v *vault) Unseal(name, sealed string) (string, error) {
	if v.chain == nil {
		return "", errors.New("the service started without a keychain; restart it")
	}
	return v.chain.Unseal(name, sealed)
}

func (c Config) getenv(name string) string {
	value := ""
	for _, kv := range c.Env {
		if len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			value = kv[len(name)+1:]
		}
	}
	return value
}

// try asks those sources of the master password that answer at once.
func (v *vault) try(ctx context.Context, kept []byte) error {
	from, password, err := masterkey.Unlock(ctx, v.chain, masterkey.Sources(masterkey.Config{
		File: v.file, Dir: v.paths.State, Getenv: v.getenv, Kept: kept,
	}))
	if err == nil {
		v.unlocked(from, password)
	}
	return err
}

func (v *vault) askTerminal(ctx context.Context) error {
	password, err := v.Ask(ctx)
	if err == nil {
		err = v.unlock("the terminal", password)
	}
	return err
}

// unlock opens the keychain with a password. If it is open already, the password is kept for the
// next start. from names the source of the password in the log.
func (v *vault) unlock(from string, password []byte) error {
	defer clear(password)
	if err := v.chain.Reopen(password); err != nil {
		v.audit.Record(audit.KeychainRefused, "from", from, "err", err)
		return err
	}
	v.unlocked(from, password)
	return nil
}

func (v *vault) unlocked(from string, password []byte) {
	v.logger.Info("keychain unlocked", "from", from)
	v.audit.Record(audit.KeychainUnlocked, "from", from)
	if err := masterkey.Keep(v.getenv, password); err != nil {
		v.logger.Warn("after a restart the master password has to be given again", "err", err)
	}
	clear(password)
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.opened:
	default:
		close(v.opened)
	}
}

// handler answers "POST keychain-unlock".
func (v *vault) handler() control.Handler {
	return control.With(func(_ context.Context, m controlapi.MasterPassword) (any, error) {
		if v.chain == nil {
			return nil, errors.New("this service has no sealed settings")
		}
		return nil, v.unlock("keychain unlock", m.Password)
	})
}

// wait is the life of a locked service.
func (v *vault) wait(ctx context.Context, reason error) error {
	v.logger.Error("locked: the settings are sealed and the master password is not known; run \"tcenvsvr keychain unlock\"", "reason", reason)
	_, _ = sd.SdNotify(false, sd.SdNotifyReady+"\nSTATUS=locked: run \"tcenvsvr keychain unlock\"")
	ctx, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	wg.Go(func() {
		err := control.Serve(ctx, v.paths.Control, control.Handlers{
			"GET status":           func(context.Context, []byte) (any, error) { return v.status(reason), nil },
			"POST keychain-unlock": v.handler(),
			"POST reload":          control.Do(func() {}), // the settings are read anew when it is unlocked
			"GET ":                 isLocked,
			"POST ":                isLocked,
		})
		if err != nil {
			stop(err)
		}
	})
	wg.Go(func() { v.askManager(ctx) })
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	alive := time.NewTicker(heartbeat())
	defer alive.Stop()
	look := time.NewTicker(2 * time.Second)
	defer look.Stop()
	seen := stampOf(v.file)
	for {
		select {
		case <-v.opened:
			_, _ = sd.SdNotify(false, "STATUS=")
			return nil
		case <-v.Drain:
			return errStopped
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
				return err
			}
			return errStopped
		case <-hup:
			if err := v.try(ctx, nil); err != nil {
				v.logger.Error("still locked", "reason", err)
			}
		case <-look.C: // the file with the password may have been restored
			if now := stampOf(v.file); now != seen {
				seen = now
				if err := v.try(ctx, nil); err != nil {
					v.logger.Error("still locked", "reason", err)
				}
			}
		case <-alive.C:
			_, _ = sd.SdNotify(false, sd.SdNotifyWatchdog)
		}
	}
}

// isLocked answers what a locked service cannot do.
func isLocked(context.Context, []byte) (any, error) {
	return nil, errors.New("the service is locked: the settings are sealed and the master password is not known\nhint: run \"tcenvsvr keychain unlock\"")
}

// stampOf returns a text that changes when the file does.
func stampOf(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano(), info.Mode())
}

// askManager asks by systemd-ask-password, if the service may.
func (v *vault) askManager(ctx context.Context) {
	from, password, err := masterkey.Unlock(ctx, v.chain, masterkey.Asking())
	switch {
	case err == nil:
		v.unlocked(from, password)
	case !errors.Is(err, keychain.ErrLocked) && ctx.Err() == nil:
		v.logger.Error("still locked", "reason", err)
	}
}

func (v *vault) status(reason error) controlapi.Status {
	s := controlapi.Status{Locked: reason.Error()}
	s.Version = v.Version
	return s
}

// heartbeat is how often the service manager is to be told that the service lives.
func heartbeat() time.Duration {
	if every, err := sd.SdWatchdogEnabled(false); err == nil && every > 0 {
		return every / 3
	}
	return time.Hour
}
