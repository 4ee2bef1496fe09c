package sentences

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A Sentence is a text of the source that says what is wrong or what to try.
type Sentence struct {
	File string
	Line int
	Text string // as it stands in the source, with its verbs
	Name string // of the variable that holds the error, "" if there is none

	fixed []string // what is between the verbs
}

// Source returns the sentences in the Go files below the folders of root, without their tests.
func Source(root string, folders ...string) ([]Sentence, error) {
	s := &source{fset: token.NewFileSet(), root: root, seen: map[token.Pos]bool{}, texts: map[string]string{}, makers: map[string]int{
		"errors.New": 0, "fmt.Errorf": 0, "warn": 1, "fail": 1,
	}}
	var files []*ast.File
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (strings.HasSuffix(d.Name(), "test") || d.Name() == "testdata"):
				return fs.SkipDir
			case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(s.fset, path, nil, parser.SkipObjectResolution)
			files = append(files, f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		s.findMakers(f)
		s.findConstants(f)
	}
	for _, f := range files {
		s.folder = s.folderOf(f)
		ast.Inspect(f, s.visit)
	}
	return s.found, nil
}

type source struct {
	fset   *token.FileSet
	root   string
	makers map[string]int    // functions that make errors or findings, and which argument is the format
	texts  map[string]string // of constants, by folder and name
	folder string            // of the file that is read
	seen   map[token.Pos]bool
	found  []Sentence
}

func (s *source) folderOf(f *ast.File) string {
	return filepath.Dir(s.fset.Position(f.Package).Filename) + "."
}

// findConstants finds the texts that other texts are put together with.
func (s *source) findConstants(f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			for i, value := range v.Values {
				if l, ok := value.(*ast.BasicLit); ok && l.Kind == token.STRING {
					s.texts[s.folderOf(f)+v.Names[i].Name] = literal(l)
				}
			}
		}
	}
}

// speakers have a format and make no errors.
var speakers = regexp.MustCompile(`^(say|ok|skip|note|Warnf|Errorf|Fatalf)$`)

// findMakers finds functions that take a format as fmt.Errorf does.
func (s *source) findMakers(f *ast.File) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || speakers.MatchString(fn.Name.Name) {
			continue
		}
		n := 0
		for _, p := range fn.Type.Params.List {
			for _, name := range p.Names {
				if name.Name == "format" {
					s.makers[fn.Name.Name] = n
				}
				n++
			}
		}
	}
}

var (
	messageType = regexp.MustCompile(`(Finding|Fault|Error|Refusal|Problem|Flaw)$`)
	messageKey  = regexp.MustCompile(`^(Try|Hint|Found|Problem|Text|Why|Message)$`)
	messageName = regexp.MustCompile(`([hH]int|restore|reinstall)$`)
	// table is the name of a table of hints by code, which "tcenvsvr help errors" prints as a whole.
	table = regexp.MustCompile(`Hints$`)
)

func (s *source) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		s.call(n, "")
	case *ast.CompositeLit:
		if messageType.MatchString(typeName(n.Type)) {
			s.all(n)
		}
	case *ast.KeyValueExpr:
		if id, ok := n.Key.(*ast.Ident); ok && messageKey.MatchString(id.Name) {
			s.all(n.Value)
		}
	case *ast.ValueSpec:
		return s.named(n)
	case *ast.BasicLit:
		if text := literal(n); strings.Contains(text, "hint: ") {
			s.add(n.Pos(), text, "")
		}
	}
	return true
}

// named takes what a variable or constant holds.
func (s *source) named(n *ast.ValueSpec) (within bool) {
	for i, id := range n.Names {
		if table.MatchString(id.Name) {
			return false
		}
		if i >= len(n.Values) {
			break
		}
		if c, ok := n.Values[i].(*ast.CallExpr); ok {
			s.call(c, id.Name)
		} else if messageName.MatchString(id.Name) {
			s.all(n.Values[i])
		}
	}
	return true
}

func (s *source) call(n *ast.CallExpr, name string) {
	maker := callee(n)
	at, ok := s.makers[maker]
	if !ok {
		if at, ok = s.makers[maker[strings.LastIndex(maker, ".")+1:]]; !ok {
			return
		}
	}
	if at < len(n.Args) {
		s.add(n.Args[at].Pos(), s.text(n.Args[at]), name)
	}
	if maker == "warn" || maker == "fail" {
		s.all(n.Args[0])
	}
}

// cut takes something away from a text.
var cut = regexp.MustCompile(`^strings\.(Trim|Cut)`)

// all takes all texts in n of three words and more; a key of a table is none.
func (s *source) all(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			return !cut.MatchString(callee(n))
		case *ast.KeyValueExpr:
			s.all(n.Value)
			return false
		case *ast.BasicLit:
			if text := literal(n); strings.Count(text, " ") >= 2 {
				s.add(n.Pos(), text, "")
			}
		}
		return true
	})
}

// add takes a text apart into what is wrong and what to try.
func (s *source) add(pos token.Pos, text, name string) {
	if s.seen[pos] {
		return
	}
	s.seen[pos] = true
	p := s.fset.Position(pos)
	file, _ := filepath.Rel(s.root, p.Filename)
	for i, part := range strings.Split(text, "hint: ") {
		part = strings.TrimSpace(part)
		if i == 0 && strings.HasSuffix(part, ": %w") && strings.Count(part, "%w") == 1 {
			continue // it says what was being done only
		}
		if fixed := fixedParts(part); fixed != nil {
			s.found = append(s.found, Sentence{filepath.ToSlash(file), p.Line, part, name, fixed})
		}
	}
}

var verb = regexp.MustCompile(`%(?:\[\d+\])?[-+# 0]*\d*(?:\.\d+)?[a-zA-Z]|%%|["'\n]`)

func fixedParts(format string) (parts []string) {
	for _, p := range verb.Split(format, -1) {
		if p = trim(p); telling(p) {
			parts = append(parts, p)
		}
	}
	return parts
}

func trim(s string) string { return strings.Trim(s, " :,;()") }

// telling reports whether a text is long enough to tell anything.
func telling(s string) bool { return len(strings.ReplaceAll(s, " ", "")) >= 4 }

func callee(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
		return "." + f.Sel.Name
	}
	return ""
}

func typeName(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.SelectorExpr:
		return t.Sel.Name
	}
	return ""
}

// text is what is known of a text that is put together. Constants of the package are read; what is known
// only when the program runs is a line break, at which the text is taken apart as at a verb.
func (s *source) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return literal(e)
	case *ast.BinaryExpr:
		return s.text(e.X) + s.text(e.Y)
	case *ast.Ident:
		if text, ok := s.texts[s.folder+e.Name]; ok {
			return text
		}
	}
	return "\n"
}

func literal(l *ast.BasicLit) string {
	if l.Kind != token.STRING {
		return ""
	}
	text, _ := strconv.Unquote(l.Value)
	return text
}
