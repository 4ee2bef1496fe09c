package updaterepo

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/updater/repository"
)

func rotateCommand() *cobra.Command {
	var file, old string
	var more bool
	var s signers
	c := &cobra.Command{
		Use:   "rotate REPO ROLE --new FILE [--old ID | --add]",
		Short: "stage a root in which a key takes the place of another",
		Long: "Rotate gives a role (root, targets, snapshot, timestamp) another key, made in FILE if there is none. The keys of the old root\n" +
			"sign it. Agents follow by themselves; ids of keys are those of update-repo list.",
		Args: cli.Exactly(2, "the repository's folder and a role"),
		RunE: func(c *cobra.Command, args []string) error {
			if file == "" {
				return cli.Usage("no --new FILE for the key")
			}
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			ids, err := r.KeysOf(args[1])
			if err != nil {
				return err
			}
			if more {
				old = ""
			} else if old, err = keyID(ids, old); err != nil {
				return err
			}
			k, err := readOrNew(file)
			if err != nil {
				return err
			}
			if err := r.Rotate(args[1], old, k); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: key %s\n", args[1], k.ID)
			return s.sign(c.OutOrStdout(), r)
		},
	}
	c.Flags().StringVar(&file, "new", "", "file of the new key")
	c.Flags().StringVar(&old, "old", "", "id of the key it replaces, or how it begins; not needed where the role has one")
	c.Flags().BoolVar(&more, "add", false, "replace none: the role has one key more")
	s.add(c)
	return c
}

// keyID returns the id that begins with start. Where the role has one key, start may be empty.
func keyID(ids []string, start string) (string, error) {
	var found []string
	for _, id := range ids {
		if len(start) <= len(id) && id[:len(start)] == start {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("--old %q is the beginning of %d ids of the role's keys, %q", start, len(found), ids)
	}
	return found[0], nil
}

func readOrNew(file string) (repository.Key, error) {
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return repository.NewKey(file)
	}
	return repository.ReadKey(file)
}
