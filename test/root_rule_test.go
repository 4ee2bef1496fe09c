package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A reserve is a thing that root does to files or processes, and the folders whose code may do it.
// Everything else goes through package become: a command that root starts becomes the owner of what
// it works on.
type reserve struct {
	calls []string
	may   map[string]string // folder → why
}

var reserves = map[string]reserve{
	"becoming another user": {
		[]string{"syscall.Setuid", "syscall.Setgid", "syscall.Setgroups", "syscall.Setreuid", "syscall.Setresuid", "unix.Setuid", "unix.Setgid", "unix.Setresuid", "syscall.Credential"},
		map[string]string{
			"agent/host/become": "it is what the package is for",
			"agent/host/tool":   "a tool runs as a lesser user, to prove what that user may do",
		},
	},
	"giving a file away by its path": {
		[]string{"os.Chown", "os.Lchown", "syscall.Chown", "syscall.Lchown", "unix.Chown", "unix.Lchown", "unix.Fchownat"},
		map[string]string{
			"agent/host/sudoers": "a file in /etc, where only root could exchange it",
		},
	},
	"changing a mode by its path": {
		[]string{"os.Chmod", "syscall.Chmod", "unix.Chmod", "unix.Fchmodat"},
		map[string]string{
			"agent/app":                    "runs as the agent, in a folder that no App can write",
			"agent/control":                "runs as the agent, on its own socket",
			"agent/job/internal/shim":      "runs as the sandbox user",
			"agent/host/sudoers":           "a file in /etc, where only root could exchange it",
			"agent/host/setup/interpreter": "folders of HOME, whose owner it is",
			"certs":                        "runs as the agent, on its own sets",
			"cmd/tcenvsvr/internal/doctor": "has become the owner of the settings",
			"cmd/tcenvsvr/internal/local":  "a folder that it has just made for itself",
			"updater/slot":                 "folders of HOME that only root writes",
			"agent/link/proxy/proxytest":   "for tests",
		},
	},
}

// TestOnlyFewMayActForOthers looks for these calls in all code but tests'.
func TestOnlyFewMayActForOthers(t *testing.T) {
	used := map[string]bool{}
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (path == "test" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", path), nil, 0)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, ok := s.X.(*ast.Ident)
			if !ok {
				return true
			}
			for what, r := range reserves {
				if !slices.Contains(r.calls, of.Name+"."+s.Sel.Name) {
					continue
				}
				if _, may := r.may[folder]; may {
					used[what+folder] = true
				} else {
					t.Errorf("%s: %s.%s is %s: use package become or what is open, or give the reason in the table", path, of.Name, s.Sel.Name, what)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, r := range reserves {
		for folder := range r.may {
			if !used[what+folder] {
				t.Errorf("nothing in %s is %s any more: remove it from the table", folder, what)
			}
		}
	}
}
