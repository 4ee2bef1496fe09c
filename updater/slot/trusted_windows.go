package slot

import "os"

// trusted leaves the question to the ACL of the installation's folder.
func trusted(path string, _ int, _ bool) error {
	_, err := os.Lstat(path)
	return err
}
