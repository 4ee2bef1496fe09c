package packaging

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/host/sudoers"
	"tcenvsvr/packaging/service"
)

//go:embed scripts host changelog.yaml
var embedded embed.FS

// Stage writes what the package has besides programs and documents into folder: units, scripts, the
// configuration of the host. The caller puts tcenvsvr, tcenvsvr-shim, man/, completions/, README.md,
// docs/ ([StageDocuments]) and LICENSE beside them, and root.json if there is one.
func Stage(folder string) error {
	texts := map[string][]byte{}
	for _, from := range []fs.FS{embedded, service.Texts} {
		err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			texts[name], err = fs.ReadFile(from, name)
			return err
		})
		if err != nil {
			return err
		}
	}
	texts["host/sudoers"] = []byte(sudoers.Rule)
	// dpkg has no script for the end of a transaction: its postinst does both.
	texts["scripts/postinst"] = append(withoutExit(texts["scripts/postinstall.sh"]), texts["scripts/posttrans.sh"]...)
	for name, text := range texts {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("staging: %w", err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("staging: %w", err)
		}
	}
	return nil
}

func withoutExit(script []byte) []byte {
	return []byte(strings.TrimSuffix(string(script), "exit 0\n"))
}

// Files returns the entries of a package that is made from stage, in the order of the table, with
// patterns resolved.
func Files(stage string) ([]File, error) {
	var all []File
	for _, f := range contents {
		f = f.withDefaults()
		switch {
		case f.Kind == Dir || f.Kind == Link:
			all = append(all, f)
			continue
		case !strings.Contains(f.From, "*"):
			if _, err := os.Stat(filepath.Join(stage, f.From)); err == nil || !f.Optional {
				all = append(all, f)
			}
			continue
		}
		found, err := filepath.Glob(filepath.Join(stage, f.From))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("packaging %s: nothing in the stage matches %q (%v)", f.Path, f.From, err)
		}
		for _, file := range found {
			one := f
			one.Path = path.Join(f.Path, filepath.Base(file))
			one.From = path.Join(path.Dir(f.From), filepath.Base(file))
			all = append(all, one)
		}
	}
	return all, nil
}
