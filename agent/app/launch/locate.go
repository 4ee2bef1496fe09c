package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/app/fault"
)

// interpreter says how an interpreter is found.
type interpreter struct {
	name    string // for messages
	code    string // of the error when there is none
	setting string // that names its home
	home    string // value of the setting: folder or program; "" = look it up
	places  []string
	names   []string
	path    string // folders to look in after the usual ones
}

// locate returns the absolute path of the interpreter. A setting that leads to no program is an
// error; no other program replaces it.
func (i interpreter) locate() (string, error) {
	if i.home != "" {
		return i.at(i.home)
	}
	folders := append([]string{}, usualPath...)
	for _, dir := range append(folders, filepath.SplitList(i.path)...) {
		for _, name := range i.names {
			if file := filepath.Join(dir, name); filepath.IsAbs(file) && executable(file) {
				return file, nil
			}
		}
	}
	return "", fault.New(i.code, "looking for %s: setting %s is empty and there is no %s in the usual folders",
		i.name, i.setting, strings.Join(i.names, ", "))
}

func (i interpreter) at(home string) (string, error) {
	fail := func(why string) error {
		return fault.New(i.code, "looking for %s: setting %s is %q: %s", i.name, i.setting, home, why)
	}
	if !filepath.IsAbs(home) {
		return "", fail("not an absolute path")
	}
	info, err := os.Stat(home)
	if err != nil {
		return "", fail("there is no such file or folder")
	}
	if !info.IsDir() {
		if !executable(home) {
			return "", fail("not an executable file")
		}
		return home, nil
	}
	for _, place := range i.places {
		if file := filepath.Join(home, place); executable(file) {
			return file, nil
		}
	}
	return "", fail(fmt.Sprintf("none of %s is in that folder", strings.Join(i.places, ", ")))
}

// executable reports whether file is a program. Windows has no mode bits for it: there the name's
// ending tells.
func executable(file string) bool {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	return info.Mode()&0o111 != 0 || strings.EqualFold(filepath.Ext(file), ".exe")
}
