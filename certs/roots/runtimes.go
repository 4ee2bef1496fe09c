package roots

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/keystore"
)

// JavaFile returns the trust store of the JDK that a java program belongs to.
func JavaFile(java string) (file string, ok bool) {
	return firstBelow(java, "lib/security/cacerts", "jre/lib/security/cacerts", "conf/security/cacerts")
}

// Java reads the trust store of a JDK.
func Java(file string) (Found, error) {
	data, err := read(file)
	if err != nil {
		return Found{}, fmt.Errorf("reading Java's trusted CAs: %w", err)
	}
	certs, skipped, err := keystore.Decode(data)
	if err != nil {
		return Found{}, fmt.Errorf("reading Java's trusted CAs from %q: %w", file, err)
	}
	return Found{Place: file, Certs: certs, Skipped: skipped}, nil
}

// PythonFile returns certifi's file in the installation that a python program belongs to.
func (p *Places) PythonFile(python string) (file string, ok bool) {
	for _, home := range homes(python) {
		for _, in := range []struct{ lib, packages string }{{"lib", "site-packages"}, {"lib64", "site-packages"}, {"lib", "dist-packages"}} {
			lib := filepath.Join(home, in.lib)
			for _, version := range slices.Backward(p.pythons(lib)) { // the newest Python
				file := filepath.Join(lib, version, in.packages, "certifi", "cacert.pem")
				if _, err := os.Lstat(file); err == nil {
					return file, true
				}
			}
		}
		file := filepath.Join(home, "Lib", "site-packages", "certifi", "cacert.pem")
		if _, err := os.Lstat(file); err == nil {
			return file, true
		}
	}
	return "", false
}

// Places remembers which Pythons have a folder in a folder of libraries, as long as that folder does not
// change: it has hundreds of entries, and each order asks. A nil Places remembers nothing.
type Places struct {
	mu    sync.Mutex
	lists map[string]places
}

type places struct {
	info  fs.FileInfo
	names []string
}

// settled is how long a folder must not have changed before its list is remembered: two changes at once have
// one time.
const settled = 2 * time.Second

// pythons are the folders of Python versions in lib, sorted.
func (p *Places) pythons(lib string) []string {
	info, err := os.Stat(lib)
	if err != nil {
		return nil
	}
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if was, ok := p.lists[lib]; ok && os.SameFile(was.info, info) && was.info.ModTime().Equal(info.ModTime()) {
			return was.names
		}
	}
	list := places{info: info}
	entries, err := os.ReadDir(lib)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "python3") {
			list.names = append(list.names, e.Name())
		}
	}
	if p != nil && err == nil && time.Since(info.ModTime()) > settled {
		if p.lists == nil {
			p.lists = map[string]places{}
		}
		p.lists[lib] = list
	}
	return list.names
}

// Python reads certifi's file.
func Python(file string) (Found, error) {
	certs, skipped, err := cert.ReadFile(file)
	if err != nil {
		return Found{}, fmt.Errorf("certifi: %w", err)
	}
	return Found{Place: file, Certs: certs, Skipped: len(skipped)}, nil
}

// firstBelow finds a file below the installation of a program.
func firstBelow(program string, names ...string) (string, bool) {
	for _, home := range homes(program) {
		for _, name := range names {
			file := filepath.Join(home, filepath.FromSlash(name))
			if _, err := os.Lstat(file); err == nil {
				return file, true
			}
		}
	}
	return "", false
}

// homes are the folders in which the installation of a program may be: the folder above its bin. It follows the
// path as given (a virtual environment) and the target of its links (an alternative).
func homes(program string) []string {
	if program == "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		real = program
	}
	var list []string
	for _, exe := range []string{program, real} {
		dir := filepath.Dir(exe)
		for _, home := range []string{filepath.Dir(dir), dir} { // dir: Windows has python.exe beside Lib
			if !slices.Contains(list, home) {
				list = append(list, home)
			}
		}
	}
	return list
}
