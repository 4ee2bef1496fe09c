package updaterepo

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/updater/repository"
)

// signers are the files of the keys that sign. Keys are never on the command line itself, which ps
// shows.
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

// sign signs what is staged if there are keys, and prints which signatures are missing.
func (s *signers) sign(w io.Writer, r *repository.Repository) error {
	keys, err := s.read()
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		if _, err := r.Sign(keys); err != nil {
			return err
		}
	}
	return printStaged(w, r)
}
