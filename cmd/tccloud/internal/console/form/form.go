package form

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Form is what a page asks for. Make it with New.
type Form struct {
	Groups  []Group
	secrets map[string]string // that were sent, by the field's name
}

// Group are fields that belong together.
type Group struct {
	Title  string // "" for what every form begins with
	Note   string
	Fold   bool // shown when it is opened
	Fields []Field
}

// New makes a form. Groups without fields are left out.
func New(groups ...Group) *Form {
	f := &Form{secrets: map[string]string{}}
	for _, g := range groups {
		if len(g.Fields) > 0 {
			f.Groups = append(f.Groups, g)
		}
	}
	n := 0
	f.each(func(field *Field, _ bool) {
		field.ID = "f-" + strconv.Itoa(n)
		n++
		for _, o := range field.Options {
			for i := range o.Fields {
				o.Fields[i].nested = true
			}
		}
	})
	return f
}

// each visits all fields; asked is false for those of an option that is not chosen.
func (f *Form) each(visit func(field *Field, asked bool)) {
	var walk func(list []Field, asked bool)
	walk = func(list []Field, asked bool) {
		for i := range list {
			field := &list[i]
			visit(field, asked)
			for _, o := range field.Options {
				walk(o.Fields, asked && o.Value == field.Value)
			}
		}
	}
	if f == nil { // an App is to be chosen first
		return
	}
	for _, g := range f.Groups {
		walk(g.Fields, true)
	}
}

// Read reads what was sent, and says in the fields what is wrong with it.
func (f *Form) Read(sent url.Values) {
	f.each(func(field *Field, asked bool) {
		secret := field.read(sent)
		if secret != "" {
			f.secrets[field.Name] = secret
		}
		if !asked {
			field.Problem = ""
		}
	})
}

// Good reports whether nothing is wrong.
func (f *Form) Good() bool {
	good := true
	f.each(func(field *Field, _ bool) { good = good && field.Problem == "" })
	return good
}

// Refuse says at the field of the name what is wrong with it.
func (f *Form) Refuse(name, problem string) {
	f.each(func(field *Field, _ bool) {
		if field.Name == name && field.Problem == "" {
			field.Problem = problem
		}
	})
}

// Explain puts what the cloud says to the fields that it names.
func (f *Form) Explain(message string) {
	f.each(func(field *Field, asked bool) {
		if asked && field.Problem == "" && field.meant(message) {
			field.Problem = message
		}
	})
}

func (f *Field) meant(message string) bool {
	if f.param != nil {
		return strings.Contains(message, strconv.Quote(f.param.Name))
	}
	message = strings.ToLower(message)
	for _, s := range f.Says {
		if strings.Contains(message, s) {
			return true
		}
	}
	return false
}

// Value is what was filled in, "" where there is no such field, or it belongs to an option that is not
// chosen.
func (f *Form) Value(name string) string {
	value := ""
	f.each(func(field *Field, asked bool) {
		if asked && field.Name == name {
			if value = field.Value; field.Kind == Secret {
				value = f.secrets[name]
			}
		}
	})
	return value
}

// Checked reports whether a box is.
func (f *Form) Checked(name string) bool { return f.Value(name) == "true" }

// Chosen are the options of several that are.
func (f *Form) Chosen(name string) (chosen []string) {
	f.each(func(field *Field, asked bool) {
		if asked && field.Name == name {
			chosen = field.Chosen
		}
	})
	return chosen
}

// Number is what was filled in, 0 for nothing.
func (f *Form) Number(name string) int64 {
	n, _ := strconv.ParseInt(f.Value(name), 10, 64) // Read has said what is wrong with it
	return n
}

// Percent is what was filled in, 0 for nothing.
func (f *Form) Percent(name string) float64 {
	n, _ := strconv.ParseFloat(f.Value(name), 64) // as in Number
	return n
}

// Duration is what was filled in, 0 for nothing.
func (f *Form) Duration(name string) time.Duration {
	d, _ := parseDuration(f.Value(name)) // as in Number
	return d
}

// Lines are the lines of what was filled in that are not empty.
func (f *Form) Lines(name string) (lines []string) {
	for line := range strings.Lines(f.Value(name)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
