package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/packaging"
	"tcenvsvr/packaging/dnf"
	"tcenvsvr/packaging/pgp"
)

func verifyCommand() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use:   "verify --key PUBLIC FOLDER|RPM…",
		Short: "check signatures, digests and layout of what was released",
		Long: "Verify checks rpms (signatures, digests, files), and in a folder also SHA256SUMS and the repository. The key is a public one\n" +
			"that you have from elsewhere: the one that lies beside the packages proves nothing.\n\n" +
			"  tcrelease verify --key RPM-GPG-KEY-threatconnect-envsvr dist",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || key == "" {
				return cli.Usage("verify wants --key PUBLIC and a folder or files; see tcrelease verify --help")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.Open(key)
			if err != nil {
				return fmt.Errorf("opening the key: %w", err)
			}
			defer f.Close()
			keys, err := pgp.ReadPublic(f)
			if err != nil {
				return err
			}
			var errs []error
			for _, arg := range args {
				errs = append(errs, verifyAny(c.OutOrStdout(), arg, keys))
			}
			return errors.Join(errs...)
		},
	}
	c.Flags().StringVar(&key, "key", "", "file of the public key")
	return c
}

func verifyAny(w io.Writer, name string, keys pgp.Keys) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return verifyRPM(w, name, keys)
	}
	rpms, err := filepath.Glob(filepath.Join(name, "*.rpm"))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range rpms {
		errs = append(errs, verifyRPM(w, file, keys))
	}
	checked := len(rpms)
	for file, check := range map[string]func(io.Writer, string, pgp.Keys) error{"SHA256SUMS": verifySums, "repodata": verifyRepository} {
		if _, err := os.Stat(filepath.Join(name, file)); err == nil {
			checked++
			errs = append(errs, check(w, name, keys))
		}
	}
	if checked == 0 {
		errs = append(errs, fmt.Errorf("checking %q: there is nothing of ours in it", name))
	}
	return errors.Join(errs...)
}

func verifyRPM(w io.Writer, file string, keys pgp.Keys) error {
	if err := packaging.CheckRPM(file, keys); err != nil {
		return err
	}
	fmt.Fprintf(w, "ok  %s\n", file)
	return nil
}

func verifyRepository(w io.Writer, dir string, keys pgp.Keys) error {
	names, err := dnf.Verify(dir, keys)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "ok  %s, a repository of %d packages\n", dir, len(names))
	return nil
}

// verifySums checks SHA256SUMS, its signature, and each file that it names.
func verifySums(w io.Writer, dir string, keys pgp.Keys) error {
	list := filepath.Join(dir, "SHA256SUMS")
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	signature, err := os.ReadFile(list + ".asc")
	if err != nil {
		return fmt.Errorf("checking %q: it is not signed: %w", list, err)
	}
	if err := pgp.Verify(keys, bytes.NewReader(text), bytes.NewReader(signature)); err != nil {
		return fmt.Errorf("checking %q: %w", list, err)
	}
	for line := range strings.Lines(string(text)) {
		want, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok || name != filepath.Base(name) {
			return fmt.Errorf("checking %q: a line reads %q", list, line)
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("checking %q: %w", list, err)
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != want {
			return fmt.Errorf("checking %q: %s has the sum %s, want %s", list, name, got, want)
		}
	}
	fmt.Fprintf(w, "ok  %s\n", list)
	return nil
}
