package vet

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/tcx"
)

// Problem is one thing that is wrong with a package.
type Problem struct {
	Code    string `json:"code"`           // of package fault
	Line    int    `json:"line,omitempty"` // of install.json, 0 = the package itself
	Text    string `json:"text"`
	Warning bool   `json:"warning,omitempty"` // the App can run nevertheless
}

// String is the problem on one line.
func (p Problem) String() string {
	text := p.Text
	if p.Line > 0 {
		text = fmt.Sprintf("install.json:%d: %s", p.Line, text)
	}
	if p.Warning {
		return "warning: " + text
	}
	return text
}

// maxProblems bounds the answer to a package that is wrong everywhere.
const maxProblems = 100

// Check returns all that is wrong with the package in bundle, which it reads from its beginning:
// first what is wrong with the package, then install.json by line. An empty list means that every
// Environment Server takes it.
func Check(bundle *os.File) []Problem {
	c := tcx.Examine(bundle, tcx.Limits{})
	v := &vetter{contents: c}
	for _, err := range c.Faults {
		v.add(Problem{Code: fault.Code(err), Text: strings.TrimPrefix(err.Error(), "reading package: ")})
	}
	if c.Manifest != nil {
		v.manifest(tcx.ReadAll(c.Manifest))
	}
	slices.SortStableFunc(v.list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return v.list[:min(len(v.list), maxProblems)]
}

// Refusal is the error of the problems that are no warnings, nil if there are none; several stand
// below each other. Its code is that of the first.
func Refusal(list []Problem) error {
	var texts []string
	code := ""
	for _, p := range list {
		if !p.Warning {
			code = cmp.Or(code, p.Code)
			texts = append(texts, p.String())
		}
	}
	if texts == nil {
		return nil
	}
	if len(texts) > 1 {
		texts[0] = fmt.Sprintf("%d problems\n%s", len(texts), texts[0])
	}
	return &fault.Error{Code: code, Err: errors.New(strings.Join(texts, "\n"))}
}

// Warnings are the problems with which the App can run.
func Warnings(list []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(list), func(p Problem) bool { return !p.Warning })
}

// vetter collects problems.
type vetter struct {
	contents tcx.Contents
	tcx.Reading
	list []Problem
}

func (v *vetter) add(p Problem) {
	if len(v.list) < 10*maxProblems { // which are sorted and cut
		v.list = append(v.list, p)
	}
}

// wrong adds a problem of what stands at path in install.json.
func (v *vetter) wrong(code, path, format string, args ...any) {
	v.add(Problem{Code: code, Line: v.Lines.Of(path), Text: fmt.Sprintf(format, args...)})
}

// odd adds a warning.
func (v *vetter) odd(path, format string, args ...any) {
	v.add(Problem{Code: fault.BadManifest, Line: v.Lines.Of(path), Text: fmt.Sprintf(format, args...), Warning: true})
}
