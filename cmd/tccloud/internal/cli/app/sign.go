package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// suffix is added to a package's file for its signature, as minisign does.
const suffix = ".minisig"

func sign(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sign FILE.tcx --key KEY", Short: "sign a package: FILE.tcx.minisig", Args: cli.Exactly(1, "a file"),
		Long: `Sign signs a package with a key of "tccloud key new" or of minisign. The signature is
a file of its own, FILE.tcx.minisig, that "minisign -V" verifies too. Signing needs
no cloud, and the key is not sent anywhere. "tccloud app add" takes the signature
along; --upload gives it to an App that is in the catalog already.

  tccloud app sign My_App.tcx --key publisher.key
  tccloud app sign My_App.tcx --key publisher.key --upload --data DIR`,
	}
	key := cmd.Flags().String("key", "", "file of the secret key")
	out := cmd.Flags().StringP("out", "o", "", "file of the signature, default FILE.tcx.minisig")
	up := cmd.Flags().Bool("upload", false, "also give it to the App in the catalog, in the place of one that is there")
	password := o.SecretKey(cmd)
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *key == "" {
			return cli.Misuse(cmd, "give --key FILE")
		}
		if *out == "" {
			*out = args[0] + suffix
		}
		a, err := catalog.Inspect(args[0])
		if err != nil {
			return fmt.Errorf("signing %q: %w", args[0], err)
		}
		k, err := password.Read(cmd.Context(), *key)
		if err != nil {
			return err
		}
		text, err := signFile(args[0], k, a)
		if err != nil {
			return fmt.Errorf("signing %q: %w", args[0], err)
		}
		if err := atomicfile.WriteFile(*out, text, 0o644); err != nil {
			return fmt.Errorf("writing the signature: %w", err)
		}
		if *up {
			if err := upload(cmd.Context(), o, a, text); err != nil {
				return err
			}
		}
		s := signed{a.Name, a.Version, string(a.SHA256), k.Public().ID.String(), *out, *up}
		return cli.Answer(o.Stdout, *asJSON, s, func(w io.Writer) {
			cli.Facts(w, "name", s.Name, "version", s.Version, "sha256", s.SHA256, "signed by key", s.KeyID, "signature in", s.File, "in the catalog", operator.Yes(s.Uploaded))
		})
	}
	return cmd
}

// signed is the answer of sign.
type signed struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	SHA256   string `json:"sha256"`
	KeyID    string `json:"key_id"`
	File     string `json:"file"`
	Uploaded bool   `json:"uploaded"`
}

func signFile(name string, k signature.SecretKey, a v1.App) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := signature.Sign(k, f, signature.Comment{App: a.Name, Version: a.Version, Time: time.Now()})
	if err != nil {
		return nil, err
	}
	return s.Encode(), nil
}

// upload gives a signature to the App in the catalog, if that is the package that was signed.
func upload(ctx context.Context, o *operator.Env, a v1.App, text []byte) error {
	c, err := o.Connect(ctx)
	if err != nil {
		return err
	}
	there, err := c.App(ctx, a.Name, a.Version)
	if err == nil && there.SHA256 != a.SHA256 {
		err = operator.Try(errors.New("the catalog has this version with other content"), "\"tccloud app add --replace\" takes package and signature")
	}
	if err == nil {
		_, err = c.SignApp(ctx, a.Name, a.Version, text)
	}
	if err != nil {
		return fmt.Errorf("uploading the signature of App %q version %q: %w", a.Name, a.Version, err)
	}
	return nil
}

// readSigned reads the signature in a file. It verifies it with the publisher's key where that is
// known.
func readSigned(file, pkg, publisher string) ([]byte, error) {
	s, err := signature.Read(file)
	if err != nil {
		return nil, err
	}
	if publisher == "" {
		return s.Encode(), nil
	}
	k, err := signature.ReadPublicKey(publisher)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(pkg)
	if err != nil {
		return nil, fmt.Errorf("reading the App: %w", err)
	}
	defer f.Close()
	if _, err := s.Verify(f, k); err != nil {
		return nil, fmt.Errorf("verifying %q: %w", file, err)
	}
	return s.Encode(), nil
}
