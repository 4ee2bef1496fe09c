package enroll

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
)

// offer reads the bundle, and the keystore that replaces the bundle's.
func (n *enrollment) offer(ctx context.Context) (enroll.Offer, error) {
	var b *bundle.Bundle
	var err error
	switch {
	case n.source == "":
		b = &bundle.Bundle{Settings: map[string]string{}}
	case n.source == "-":
		if b, err = bundle.Read(n.Stdin); err != nil {
			err = fmt.Errorf("reading a bundle from standard input: %w", err)
		}
	case enroll.IsLink(n.source):
		b, err = n.fetch(ctx, n.source, n.flags())
	default:
		b, err = n.readBundle()
	}
	if err == nil && b.Package != "" {
		fmt.Fprintf(n.Stderr, "the bundle also has the package %q, which is not installed by this\n", b.Package)
	}
	if err != nil || n.keystore == "" {
		if err == nil {
			return enroll.Offer{Settings: b.Settings, Keystore: b.Keystore}, nil
		}
		return enroll.Offer{}, err
	}
	if b.Settings[bundle.KeystorePassword], err = n.passwordOf(ctx, n.keystore, n.keystorePassword); err != nil {
		return enroll.Offer{}, err
	}
	data, err := n.readKeystore(n.keystore)
	return enroll.Offer{Settings: b.Settings, Keystore: data}, err
}

func isFolder(source string) bool {
	info, err := os.Stat(source)
	return err == nil && info.IsDir()
}

func (n *enrollment) readBundle() (*bundle.Bundle, error) {
	if n.folder {
		b, err := bundle.OpenFolder(n.source, n.Open)
		if err != nil {
			return nil, fmt.Errorf("reading bundle %q: %w", n.source, err)
		}
		return b, nil
	}
	f, err := n.Open(n.source)
	if err != nil {
		return nil, fmt.Errorf("reading bundle: %w", err)
	}
	defer f.Close()
	b, err := bundle.Read(f)
	if err != nil {
		return nil, fmt.Errorf("reading bundle %q: %w", n.source, err)
	}
	return b, nil
}

func (n *enrollment) readKeystore(path string) ([]byte, error) {
	f, err := n.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading keystore: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err == nil && len(data) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("reading keystore %q: %w", path, err)
	}
	return data, nil
}

// fetch downloads the bundle behind a link, through the proxy of the settings or of flags.
func (h *host) fetch(ctx context.Context, link string, flags map[string]string) (*bundle.Bundle, error) {
	load := h.Load
	load.Overrides = flags
	s, _, err := settings.Load(load)
	if err != nil {
		return nil, err
	}
	reach, err := h.dialing(s, nil)
	if err != nil {
		return nil, err
	}
	return enroll.Fetch(ctx, link, reach.Dialer.DialContext)
}

// passwordOf gets the password of a keystore from file, or from the terminal.
func (h *host) passwordOf(ctx context.Context, keystore, file string) (string, error) {
	if file != "" {
		password, err := h.env.MasterKey(file)
		return string(password), err
	}
	terminal, done, err := h.env.Terminal()
	if err != nil {
		return "", cli.Usage("there is no terminal to ask for the password of %q: give --keystore-password-file", keystore)
	}
	defer done()
	return terminal.Secret(ctx, fmt.Sprintf("Password of the keystore %q: ", keystore))
}
