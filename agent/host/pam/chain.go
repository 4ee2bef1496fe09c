package pam

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// pamFiles opens a service, or a file that a PAM file includes. It returns the file's path behind
// all links.
type pamFiles func(name string) (path string, text []byte, err error)

// entry is one step of the chain that libpam walks for auth, once all includes are expanded.
type entry struct {
	path, text string
	level      int   // how many substacks it is in
	jumps      []int // what its control value may jump
	ours       bool
}

const (
	pamDeepest = 16     // libpam includes no deeper
	pamMost    = 10_000 // entries; only files that include each other have more
)

// chain expands one service. Debian's libpam knows @include; for others such a line is broken.
type chain struct {
	files   pamFiles
	edited  string // the file in which a block is ours
	debian  bool
	entries []entry
}

// add expands a file. Lines of an unknown kind fail, and count as auth lines.
func (c *chain) add(path string, text []byte, depth, level int) error {
	lines, err := pamLines(text)
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	begin, end, err := findBlock(text)
	if path != c.edited || err != nil {
		begin, end = 0, 0
	}
	for _, l := range lines {
		e := entry{path: path, text: l.text, level: level, ours: l.begin >= begin && l.end <= end}
		control := strings.ToLower(l.control)
		switch {
		case l.kind == "@include" && c.debian:
			control = "include"
		case l.kind != "auth" && l.kind != "" && l.kind != "@include":
			continue
		}
		switch control {
		case "required", "requisite", "optional", "sufficient", "":
		case "include", "substack":
			inside := level
			if control == "substack" {
				c.entries = append(c.entries, e)
				inside++
			}
			found, err := c.include(l.module, depth+1, inside)
			switch {
			case err != nil:
				return err
			case found:
				continue
			case l.kind == "@include":
				return unclear("%q includes %q, which cannot be read", path, l.module)
			}
		default:
			if e.jumps, err = pamJumps(l.control); err != nil {
				return fmt.Errorf("%q: %w", path, err)
			}
		}
		if c.entries = append(c.entries, e); len(c.entries) > pamMost {
			return unclear("%q and what it includes have more than %d lines", path, pamMost)
		}
	}
	return nil
}

// include adds what is included. found is false where there is nothing to include: libpam puts a
// failing entry there.
func (c *chain) include(name string, depth, level int) (found bool, err error) {
	if name == "" || depth >= pamDeepest {
		return false, nil
	}
	path, text, err := c.files(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unclear("including %q: %v", name, err)
	}
	return true, c.add(path, text, depth, level)
}

// land returns where a jump from entry i ends. far says that it goes beyond the end of its stack,
// which denies.
func land(chain []entry, i, jump int) (next int, far bool) {
	level, h := chain[i].level, i
	for h+1 < len(chain) && chain[h+1].level >= level && jump > 0 {
		for h++; h+1 < len(chain) && chain[h+1].level > level; {
			h++
		}
		jump--
	}
	return h + 1, jump > 0
}

// errReach means that our lines cannot stand there.
var errReach = errors.New("a jump goes across")

// harmless returns an error unless the chain with our lines decides as the one without them,
// whatever its modules answer, about all but those whom our lines are for. That holds when our
// lines stand together, every other entry is as it was, and every jump leads where it led.
func harmless(before, after []entry) error {
	var place []int         // of the entries of others in after
	became := map[int]int{} // an index in after → where that goes on in before
	for i := 0; i < len(after); i++ {
		became[i] = len(place)
		if !after[i].ours {
			place = append(place, i)
			continue
		}
		if i+1 == len(after) || !after[i+1].ours || after[i+1].level != after[i].level {
			return fmt.Errorf("%w: the two lines do not stand together", errReach)
		}
		i++ // the second is no place to land
	}
	became[len(after)] = len(place)
	if len(place) == len(after) {
		return fmt.Errorf("%w: the lines are never come to", errReach)
	}
	if len(place) != len(before) {
		return fmt.Errorf("%w: other lines changed", errReach)
	}
	for i, at := range place {
		is, was := after[at], before[i]
		if is.text != was.text || is.path != was.path || is.level != was.level || !slices.Equal(is.jumps, was.jumps) {
			return fmt.Errorf("%w: other lines changed", errReach)
		}
		for _, jump := range was.jumps {
			wasNext, wasFar := land(before, i, jump)
			isNext, isFar := land(after, at, jump)
			if next, ok := became[isNext]; !ok || next != wasNext || isFar != wasFar {
				return fmt.Errorf("%w: %q in %q", errReach, was.text, was.path)
			}
		}
	}
	return nil
}

// stack is the su file with all the services that may lead into it.
type stack struct {
	path     string // of the su file
	files    pamFiles
	services []string
}

// allows returns an error unless the su file, which is before without our lines, may become after.
// The chain of su counts, and that of every service that includes the file, as su-l does.
func (s *stack) allows(before, after []byte) error {
	for _, service := range s.services {
		for _, debian := range []bool{true, false} {
			is, err := s.chain(service, after, debian)
			if service != "su" && !slices.ContainsFunc(is, func(e entry) bool { return e.path == s.path }) {
				continue // it does not include the su file
			}
			if err != nil {
				return err
			}
			was, err := s.chain(service, before, debian)
			if err != nil {
				return err
			}
			if err := harmless(was, is); err != nil {
				return err
			}
		}
	}
	return nil
}

// chain returns the entries that libpam walks when somebody authenticates for a service.
func (s *stack) chain(service string, text []byte, debian bool) ([]entry, error) {
	files := func(name string) (string, []byte, error) {
		path, is, err := s.files(name)
		if path == s.path {
			return path, text, nil
		}
		return path, is, err
	}
	path, is, err := files(service)
	if err != nil {
		return nil, err
	}
	c := chain{files: files, edited: s.path, debian: debian}
	err = c.add(path, is, 0, 0)
	return c.entries, err
}
