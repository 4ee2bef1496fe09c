package pam

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// model decides as libpam does, line by line, and shares no code with what places the block: it
// knows nothing but the plain lines that this test writes.
type model struct {
	files   map[string]string
	answers map[string]string // by module
	debian  bool

	chain []link
	ran   []string
}

type link struct {
	level          int
	control        map[string]string
	module         string
	fails, entered bool // a line that libpam cannot use; the head of a substack
}

var shorthand = map[string]string{
	"required":   "success=ok new_authtok_reqd=ok ignore=ignore default=bad",
	"requisite":  "success=ok new_authtok_reqd=ok ignore=ignore default=die",
	"optional":   "success=ok new_authtok_reqd=ok default=ignore",
	"sufficient": "success=done new_authtok_reqd=done default=ignore",
}

func (m *model) load(name string, depth, level int) bool {
	text, ok := m.files[name]
	if !ok || depth >= 16 {
		return false
	}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "account":
			continue
		case words[0] == "@include" && m.debian:
			m.load(words[1], depth+1, level)
			continue
		case words[0] == "@include":
			m.chain = append(m.chain, link{level: level, fails: true, control: map[string]string{"default": "bad"}})
			continue
		}
		control, module := words[1], words[2]
		if open, rest, ok := strings.Cut(line, "["); ok {
			_ = open
			inner, after, _ := strings.Cut(rest, "]")
			control, module = inner, strings.Fields(after)[0]
		}
		l := link{level: level, control: map[string]string{}, module: module}
		switch {
		case strings.Contains(line, "pam_succeed_if.so user = tc-job"):
			l.module = "target"
		case strings.Contains(line, "pam_succeed_if.so use_uid user = threatconnect"):
			l.module = "caller"
		}
		if control == "include" || control == "substack" {
			inside := level
			if control == "substack" {
				m.chain = append(m.chain, link{level: level, entered: true})
				inside++
			}
			if !m.load(module, depth+1, inside) {
				m.chain = append(m.chain, link{level: level, fails: true, control: map[string]string{"default": "bad"}})
			}
			continue
		}
		if long, ok := shorthand[control]; ok {
			control = long
		}
		for _, pair := range strings.Fields(control) {
			k, v, _ := strings.Cut(pair, "=")
			l.control[k] = v
		}
		m.chain = append(m.chain, l)
	}
	return true
}

// decide is libpam's dispatch of pam_authenticate.
func (m *model) decide() (status string) {
	m.ran = nil
	type state struct {
		impression int
		status     string
	}
	now := state{0, "perm_denied"}
	saved := map[int]state{0: now}
	before := 0
	for i := 0; i < len(m.chain); i++ {
		l := m.chain[i]
		if before < l.level {
			saved[l.level] = now
		}
		before = l.level
		if l.entered {
			continue
		}
		answer := "perm_denied"
		if !l.fails {
			answer = m.answers[l.module]
			if l.module != "target" && l.module != "caller" {
				m.ran = append(m.ran, l.module)
			}
		}
		action, ok := l.control[answer]
		if !ok {
			if action, ok = l.control["default"]; !ok {
				action = "bad"
			}
		}
		stop := false
		switch action {
		case "reset":
			now = saved[l.level]
		case "ok", "done":
			if now.impression == 0 || now.impression == 1 && now.status == "success" {
				now = state{1, answer}
			}
			stop = now.impression == 1 && action == "done"
		case "bad", "die":
			if now.impression != -1 {
				now = state{-1, answer}
			}
			stop = action == "die"
		case "ignore":
		default:
			n, err := strconv.Atoi(action)
			if err != nil {
				panic(action)
			}
			for ; n > 0 && i+1 < len(m.chain) && m.chain[i+1].level >= l.level; n-- {
				i++
				for i+1 < len(m.chain) && m.chain[i+1].level > l.level {
					i++
				}
			}
			if n > 0 {
				now = state{-1, "perm_denied"}
			}
		}
		for stop && i+1 < len(m.chain) && m.chain[i+1].level >= l.level {
			i++
		}
	}
	if now.status == "success" && now.impression != 1 {
		return "perm_denied"
	}
	return now.status
}

// randomStack writes a su file and what it includes, full of jumps, from few modules.
func randomStack(r *rand.Rand) map[string]string {
	modules := 0
	line := func(deep bool) string {
		kinds := []string{"auth", "auth", "auth", "-auth", "AUTH"}
		if r.IntN(6) == 0 {
			return "account required pam_permit.so\n"
		}
		if deep && r.IntN(4) == 0 {
			switch r.IntN(4) {
			case 0:
				return fmt.Sprintf("@include %c\n", 'x'+rune(r.IntN(2)))
			case 1:
				return fmt.Sprintf("auth substack %c\n", 'x'+rune(r.IntN(2)))
			default:
				return fmt.Sprintf("auth include %c\n", 'x'+rune(r.IntN(2)))
			}
		}
		modules++
		var control string
		if r.IntN(2) == 0 {
			control = []string{"required", "requisite", "optional", "sufficient"}[r.IntN(4)]
		} else {
			action := func() string {
				return []string{"ok", "done", "bad", "die", "ignore", "reset", "1", "1", "2", "2", "3"}[r.IntN(11)]
			}
			control = "[success=" + action() + " default=" + action() + "]"
		}
		return fmt.Sprintf("%s %s m%d.so\n", kinds[r.IntN(len(kinds))], control, modules%4)
	}
	several := func(most int, deep bool) string {
		var b strings.Builder
		for range 1 + r.IntN(most) {
			b.WriteString(line(deep))
		}
		return b.String()
	}
	files := map[string]string{"y": several(2, false)}
	files["x"] = several(2, false)
	if r.IntN(2) == 0 {
		files["x"] += "auth include y\n"
	}
	files["su"] = several(5, true)
	files["su-l"] = several(2, false) + []string{"auth include su\n", "auth substack su\n", "@include su\n"}[r.IntN(3)] + several(1, false)
	return files
}

// TestNobodyElseIsDecidedAboutDifferently places the block in random stacks, and goes through
// everything that their modules may answer.
func TestNobodyElseIsDecidedAboutDifferently(t *testing.T) {
	placed, top := 0, 0
	for seed := range uint64(500) {
		p, u := decisions(t, seed)
		placed, top = placed+p, top+u
	}
	if placed < 200 || top < 50 || placed == 500 {
		t.Errorf("of 500 stacks %d took the block, %d of them above all: the test tries too little", placed, top)
	}
	t.Logf("%d placed, %d of them above all", placed, top)
}

func FuzzDecisions(f *testing.F) {
	f.Add(uint64(1 << 40))
	f.Fuzz(func(t *testing.T, seed uint64) { decisions(t, seed) })
}

func decisions(t *testing.T, seed uint64) (placed, top int) {
	t.Helper()
	files := randomStack(rand.New(rand.NewPCG(seed, 0)))
	s := lone(files, "su-l", "x")
	plain := files["su"]
	with, err := s.insertBlock([]byte(plain))
	if err != nil {
		return 0, 0
	}
	if first, _, _ := strings.Cut(string(with), block); !strings.Contains(strings.ToLower(first), "auth") {
		top = 1
	}
	for _, service := range []string{"su", "su-l", "x"} {
		for _, debian := range []bool{true, false} {
			before, after := &model{files: files, debian: debian}, &model{files: maps.Clone(files), debian: debian}
			after.files["su"] = string(with)
			before.load(service, 0, 0)
			after.load(service, 0, 0)
			for n := range 81 {
				answers := map[string]string{}
				for i := range 4 {
					answers[fmt.Sprintf("m%d.so", i)] = []string{"success", "auth_err", "ignore"}[n%3]
					n /= 3
				}
				before.answers, after.answers = answers, answers
				for _, who := range [][2]string{{"success", "auth_err"}, {"auth_err", "success"}, {"auth_err", "auth_err"}, {"user_unknown", "success"}, {"success", "user_unknown"}} {
					answers["target"], answers["caller"] = who[0], who[1]
					if was, is := before.decide(), after.decide(); was != is || !slices.Equal(before.ran, after.ran) {
						t.Fatalf("seed %d, %s, Debian %v, %v: %s by %v became %s by %v\n%s\n%s\nx: %s\ny: %s",
							seed, service, debian, answers, was, before.ran, is, after.ran, with, files["su-l"], files["x"], files["y"])
					}
				}
			}
		}
	}
	return 1, top
}

// TestTheModelSeesAMisplacedBlock: what the package once did is found by it.
func TestTheModelSeesAMisplacedBlock(t *testing.T) {
	const first, rest = "auth [success=ignore default=1] alice.so\n", "auth sufficient permit.so\nauth required unix.so\n"
	m := &model{files: map[string]string{"su": first + rest}, answers: map[string]string{"alice.so": "auth_err", "permit.so": "success", "unix.so": "auth_err", "target": "auth_err", "caller": "auth_err"}}
	m.load("su", 0, 0)
	if got := m.decide(); got != "auth_err" {
		t.Errorf("before: %s", got)
	}
	m.chain, m.files["su"] = nil, first+b+rest
	m.load("su", 0, 0)
	if got := m.decide(); got != "success" {
		t.Errorf("with the block behind the first line: %s", got)
	}
}
