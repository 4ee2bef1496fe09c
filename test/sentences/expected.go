package sentences

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Expected is what scripts and tests look for.
type Expected struct {
	texts map[string]bool
	names map[string]bool // of errors that tests know
}

// ReadExpected reads all scripts and Go tests below root.
func ReadExpected(root string) (*Expected, error) {
	e := &Expected{map[string]bool{}, map[string]bool{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && d.Name() == "sentences": // this package's own tests quote what nobody causes
			return fs.SkipDir
		case err != nil || d.IsDir():
			return err
		case filepath.Ext(path) == ".txtar":
			text, err := os.ReadFile(path)
			e.script(txtar.Parse(text))
			return err
		case strings.HasSuffix(path, "_test.go"):
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				ast.Inspect(f, e.visit)
			}
			return err
		}
		return nil
	})
	return e, err
}

// line is a line of a script that looks for a pattern; one with ! looks for its absence.
var line = regexp.MustCompile(`^ *(?:\[[^]]*\] *)*(?:stdout|stderr|grep)(?: +-count=\d+)? +('(?:[^']|'')*'|\S+)`)

func (e *Expected) script(a *txtar.Archive) {
	for l := range strings.Lines(string(a.Comment)) {
		if m := line.FindStringSubmatch(l); m != nil {
			e.add(plainOf(strings.ReplaceAll(strings.Trim(m[1], "'"), "''", "'")))
		}
	}
	for _, f := range a.Files {
		if name := filepath.Base(f.Name); strings.HasPrefix(name, "want") {
			e.add(string(f.Data))
		}
	}
}

// report are the functions by which a test says what is wrong itself.
var report = regexp.MustCompile(`\.(Error|Errorf|Fatal|Fatalf|Log|Logf|Skip|Skipf)$`)

func (e *Expected) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		return len(n.Args) == 0 || !report.MatchString(callee(n)) // err.Error() says what an error says
	case *ast.Ident:
		if strings.HasPrefix(strings.ToLower(n.Name), "err") {
			e.names[n.Name] = true
		}
	case *ast.BasicLit:
		text := literal(n)
		e.add(text)
		if strings.ContainsAny(text, `*\`) {
			e.add(plainOf(text))
		}
	}
	return true
}

var (
	escaped = regexp.MustCompile(`\\([.()+*?\[\]{}^$|\\])`)
	pattern = regexp.MustCompile(`\\[a-zA-Z][+*?]?|\[[^\]]*\][+*?]?|\.[*+?]*|[()^$|*+?{}]`)
	between = regexp.MustCompile(`["'\n\t]|\s{2,}|%[a-z]`)
)

// plainOf is the fixed text of a regular expression, with line breaks where anything may stand.
func plainOf(expr string) string {
	const mark = "\x00"
	var kept []string
	expr = escaped.ReplaceAllStringFunc(expr, func(s string) string {
		kept = append(kept, s[1:])
		return mark
	})
	parts := strings.Split(pattern.ReplaceAllString(expr, "\n"), mark)
	text := parts[0]
	for i, p := range parts[1:] {
		if i < len(kept) {
			text += kept[i]
		}
		text += p
	}
	return text
}

func (e *Expected) add(text string) {
	for _, p := range between.Split(text, -1) {
		if p = trim(p); telling(p) {
			e.texts[p] = true
		}
	}
}
