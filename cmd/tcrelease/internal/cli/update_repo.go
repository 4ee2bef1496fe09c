package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/updater/repository"
)

func updateRepoCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "update-repo",
		Short: "keep the signed repository that self-update trusts",
		Long: "Update-repo keeps an update repository (TUF). Changes are staged until enough keys of the role have signed them;\n" +
			"keys may sign one after the other, on different machines: all but targets/ has to travel with them.\n\n" +
			"  tcrelease update-repo init repo --keys keys\n" +
			"  tcrelease update-repo add repo dist/tcenvsvr --version 1.4.2 --os linux --arch amd64 --delta-from old/tcenvsvr\n" +
			"  tcrelease update-repo sign repo --key targets-1.pem\n" +
			"  tcrelease update-repo sign repo --key targets-2.pem --key snapshot.pem --key timestamp.pem\n" +
			"  tcrelease update-repo bundle repo -o update-1.4.2.zip 1.4.2",
	}
	c.AddCommand(updateInit(e), updateAdd(e), updateSign(e), updateRotate(e), updateRevoke(e), updateBundle(e), updateList(e))
	return c
}

// signers are the files of the keys that sign. Keys are never on the command line itself, which ps shows.
type signers struct {
	files []string
	dir   string
}

func (s *signers) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&s.files, "key", nil, "file of a key that signs; may be given more than once")
	c.Flags().StringVar(&s.dir, "keys", "", "folder of keys that sign")
}

func (s *signers) read() ([]repository.Key, error) {
	var keys []repository.Key
	if s.dir != "" {
		all, err := repository.ReadKeys(s.dir)
		if err != nil {
			return nil, err
		}
		keys = all
	}
	for _, file := range s.files {
		k, err := repository.ReadKey(file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// sign signs what is staged, if there are keys, and says what is still missing.
func (s *signers) sign(e *env, r *repository.Repository) error {
	keys, err := s.read()
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		if _, err := r.Sign(keys); err != nil {
			return err
		}
	}
	return printStaged(e, r)
}

func printStaged(e *env, r *repository.Repository) error {
	staged, err := r.Staged()
	if err != nil {
		return err
	}
	for _, p := range staged {
		fmt.Fprintf(e.stdout, "staged: %s %d has %d of %d signatures\n", p.Role, p.Version, p.Signatures, p.Wanted)
	}
	return nil
}

func updateSign(e *env) *cobra.Command {
	var s signers
	c := &cobra.Command{
		Use:   "sign REPO --key FILE…",
		Short: "sign what is staged; the last signature publishes it",
		Long: "Sign adds signatures to what is staged, and publishes what has enough. With the keys of snapshot and timestamp it also\n" +
			"makes published changes visible and their signatures last longer: do that daily, or leave it to tccloud.",
		Args: exactly(1, "the repository's folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			if s.dir == "" && len(s.files) == 0 {
				return usageError{errors.New("no keys: give --key FILE or --keys DIR")}
			}
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			if err := s.sign(e, r); err != nil {
				return err
			}
			return printPublished(e, r)
		},
	}
	s.add(c)
	return c
}

// printPublished says up to where clients can see the repository.
func printPublished(e *env, r *repository.Repository) error {
	behind, err := r.Behind()
	if err == nil && behind {
		fmt.Fprintln(e.stdout, "published, but not visible yet: sign with the keys of snapshot and timestamp")
	}
	return err
}
