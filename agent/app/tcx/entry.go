package tcx

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"tcenvsvr/agent/app/fault"
)

// Bounds that are far above what any App needs.
const (
	maxDirectory = 24 << 20 // of the ZIP's own directory
	maxDepth     = 64       // folders above a file
	maxPath      = 1024     // bytes of a path below the top folder
	maxName      = 255      // bytes of one name in it
	bombSize     = 10 << 20 // smaller entries may be as compressible as they like
	bombRatio    = 250      // deflate's own limit is 1032
)

// kind is what a path of the package is.
type kind byte

const (
	isFile   kind = 'f'
	isDir    kind = 'd' // by an entry of its own
	isParent kind = 'p' // because something lies in it
)

// checkEntry returns one acceptable entry, or what is wrong with it.
func (p *pack) checkEntry(f *zip.File, kinds map[string]kind) (entry, error) {
	name := f.Name
	e := entry{File: f, dir: strings.HasSuffix(name, "/")}
	if err := checkPath(strings.TrimSuffix(name, "/")); err != nil {
		return e, fault.New(fault.UnsafePath, "reading package: entry %.200q: %w", name, err)
	}
	top, path, below := strings.Cut(strings.TrimSuffix(name, "/"), "/")
	switch {
	case !below && !e.dir:
		return e, fault.New(fault.TopFolders, "reading package: %.200q lies beside the top folder", name)
	case p.top != "" && p.top != top:
		return e, fault.New(fault.TopFolders, "reading package: two top folders, %.200q and %.200q", p.top, top)
	}
	p.top, e.path = top, path
	mode := f.Mode()
	switch {
	case e.dir && mode.Type() != fs.ModeDir, !e.dir && !mode.IsRegular():
		return e, fault.New(fault.Link, "reading package: entry %.200q is neither file nor folder (%v)", name, mode.Type())
	case e.dir && f.UncompressedSize64 != 0:
		return e, fault.New(fault.BadZip, "reading package: folder %.200q has content", name)
	case f.Flags&1 != 0:
		return e, fault.New(fault.BadZip, "reading package: entry %.200q is encrypted", name)
	case f.UncompressedSize64 > 1<<40:
		return e, fault.New(fault.TooLarge, "reading package: entry %.200q expands to %d bytes", name, f.UncompressedSize64)
	case f.UncompressedSize64 > bombSize && f.UncompressedSize64/bombRatio > f.CompressedSize64:
		return e, fault.New(fault.Bomb, "reading package: entry %.200q expands from %d to %d bytes", name, f.CompressedSize64, f.UncompressedSize64)
	}
	if err := claim(kinds, path, e.dir); err != nil {
		return e, fault.New(fault.Duplicate, "reading package: entry %.200q: %w", name, err)
	}
	return e, nil
}

// claim records path and its parents, and refuses a path that another entry has.
func claim(kinds map[string]kind, path string, dir bool) error {
	want := isFile
	if dir {
		want = isDir
	}
	if old, taken := kinds[path]; taken && !(old == isParent && dir) {
		return errors.New("the name is there twice")
	}
	kinds[path] = want
	for i := strings.LastIndexByte(path, '/'); i > 0; i = strings.LastIndexByte(path, '/') {
		path = path[:i]
		switch old, taken := kinds[path]; {
		case old == isFile:
			return fmt.Errorf("%.200q is a file", path)
		case taken:
			return nil // then its parents are known
		}
		kinds[path] = isParent
	}
	return nil
}

// checkPath accepts relative paths that mean the same on every system.
func checkPath(path string) error {
	switch {
	case len(path) > maxPath:
		return fmt.Errorf("longer than %d bytes", maxPath)
	case !fs.ValidPath(path) || path == ".": // not "", absolute, "//", "." or "..", UTF-8 only
		return errors.New("not a clean relative path")
	case strings.Count(path, "/") > maxDepth:
		return fmt.Errorf("more than %d folders deep", maxDepth)
	case strings.ContainsAny(path, `\:`):
		return errors.New(`"\" or ":" in it`)
	}
	for name := range strings.SplitSeq(path, "/") {
		if len(name) > maxName {
			return fmt.Errorf("a name longer than %d bytes", maxName)
		}
	}
	if i := strings.IndexFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return errors.New("a control character in it")
	}
	return nil
}
