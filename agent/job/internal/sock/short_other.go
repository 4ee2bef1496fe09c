//go:build !linux

package sock

import (
	"os"
	"path/filepath"

	"tcenvsvr/agent/job/internal/spec"
)

// longest is the length of an address that fits everywhere, less the socket's own name.
const longest = 103 - 1 - len(spec.SocketFile)

// short is a path of the shim's folder in dir that fits into an address: the folder's own, or a
// link to it in the folder for temporary files. (Windows wants a privilege for links: there
// TCENVSVR_HOME must not be too deep.)
func short(dir string) (path string, done func(), err error) {
	folder := filepath.Join(dir, spec.Folder)
	if len(folder) <= longest {
		return folder, func() {}, nil
	}
	tmp, err := os.MkdirTemp("", "tc")
	if err != nil {
		return "", nil, err
	}
	done = func() { _ = os.RemoveAll(tmp) }
	link := filepath.Join(tmp, "s")
	if err := os.Symlink(folder, link); err != nil {
		done()
		return "", nil, err
	}
	return link, done, nil
}

// nameless: there is no address outside of a file system.
func nameless(string) string { return "" }

// Network is not known: it makes no difference.
func Network() string { return "" }
