package key

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Suffix is added to a secret key's file for the public key.
const Suffix = ".pub"

// Command returns "tccloud key".
func Command(o *operator.Env) *cobra.Command {
	return o.LocalGroup("key", "make keys that sign Apps and orders",
		`Key makes and shows the Ed25519 keys that sign Apps ("tccloud app sign") and orders
("tccloud run --sign-key"). The customers who let your Apps run have the public
key in their policy; the secret key stays with you. It is never sent anywhere.
The files are those of minisign.

  tccloud key new publisher.key --password
  tccloud key show publisher.key.pub`,
		create(o), show(o))
}

// shown is the answer of the commands.
type shown struct {
	KeyID     string `json:"key_id"`
	PublicKey string `json:"public_key"`
	File      string `json:"file,omitempty"`        // of the secret key
	Public    string `json:"public_file,omitempty"` // of the public key
}

func answer(o *operator.Env, asJSON bool, k signature.PublicKey, file, public string) error {
	s := shown{k.ID.String(), k.String(), file, public}
	return cli.Answer(o.Stdout, asJSON, s, func(w io.Writer) {
		cli.Facts(w, "key id", s.KeyID, "public key", s.PublicKey, "secret key in", file, "public key in", public)
	})
}
