package app

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
)

// publish moves a complete folder to its name, durably. A folder that has the name already is a
// damaged installation and is removed.
func publish(temp, dir string) error {
	family := filepath.Dir(dir)
	if err := os.Mkdir(family, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	if err := os.Chmod(family, 0o755); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(filepath.Dir(family)); err != nil {
		return err
	}
	if err := discard(dir, filepath.Dir(temp)); err != nil {
		return err
	}
	return atomicfile.Rename(temp, dir)
}

// discard removes dir, and nobody ever sees part of it under its name.
func discard(dir, incoming string) error {
	trash := filepath.Join(incoming, trashPrefix+filepath.Base(dir))
	if err := os.RemoveAll(trash); err != nil {
		return err
	}
	if err := os.Rename(dir, trash); err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	return os.RemoveAll(trash)
}

// Prune removes installations that are not in use, except the keep newest of each <name>_v<major>.
// It returns how many it removed.
func (c *Catalog) Prune(keep int, inUse func(App) bool) (int, error) {
	c.mu.Lock()
	families := make(map[string][]string)
	for sha, i := range c.there {
		families[filepath.Dir(i.dir)] = append(families[filepath.Dir(i.dir)], sha)
	}
	c.mu.Unlock()
	removed := 0
	for _, shas := range families {
		slices.SortFunc(shas, func(a, b string) int {
			return cmp.Or(c.installed(b).Compare(c.installed(a)), cmp.Compare(a, b))
		})
		for _, sha := range shas[min(max(keep, 0), len(shas)):] {
			gone, err := c.remove(sha, inUse)
			if err != nil {
				return removed, storeError(err)
			}
			if gone {
				removed++
			}
		}
	}
	return removed, nil
}

// remove removes one installation. It holds the lock, so that a Lookup before it counts as use, and
// one after it finds nothing.
func (c *Catalog) remove(sha string, inUse func(App) bool) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.there[sha]
	if i == nil || inUse(App{Dir: i.dir}) {
		return false, nil
	}
	delete(c.there, sha)
	delete(c.known, sha)
	err := os.Remove(c.originOf(sha))
	if errors.Is(err, fs.ErrNotExist) { // installed by an agent that kept none
		err = nil
	}
	if gone := os.Remove(i.record); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return true, errors.Join(discard(i.dir, c.incoming), os.Remove(i.seal), err)
}

// installed is when the folder was made.
func (c *Catalog) installed(sha string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.there[sha]; i != nil {
		if info, err := os.Stat(i.dir); err == nil {
			return info.ModTime()
		}
	}
	return time.Time{}
}
