package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// field is one parameter of an App in the form that runs it.
type field struct {
	catalog.Param
	ID       string // of the element
	Kind     string // text, long, secret, check, choice, edit, several
	Words    string // its label
	Value    string
	Chosen   []string // of several
	Platform []string // words in its valid values that only the vendor's platform replaces
	Problem  string
}

// fieldPrefix is before a parameter's name in the names of a form's fields.
const fieldPrefix = "p."

// fieldsOf makes the fields of an App's start, in its order, with defaults. Hidden parameters have
// none: they get their defaults.
func fieldsOf(app v1.App) []field {
	var fields []field
	for _, p := range app.Params {
		if p.Hidden || p.Trigger {
			continue
		}
		f := field{Param: p, ID: "p-" + strconv.Itoa(len(fields)), Words: cmp.Or(p.Label, p.Name), Value: p.Default}
		f.Values = nil
		for _, v := range p.Values {
			if strings.HasPrefix(v, "${") {
				f.Platform = append(f.Platform, v)
			} else if !slices.Contains(f.Values, v) {
				f.Values = append(f.Values, v)
			}
		}
		f.Kind = kindOf(f)
		switch f.Kind {
		case "secret":
			f.Value = ""
		case "several":
			f.Chosen = strings.Split(p.Default, delimiter(app))
		}
		fields = append(fields, f)
	}
	slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return fields
}

func delimiter(app v1.App) string { return cmp.Or(app.ListDelimiter, "|") }

// kindOf chooses the element. Where the platform would have filled in what can be chosen, anything can
// be.
func kindOf(f field) string {
	closed := len(f.Values) > 0 && len(f.Platform) == 0
	switch kind := strings.ToLower(f.Type); {
	case f.Encrypt:
		return "secret"
	case kind == "boolean":
		return "check"
	case kind == "choice" && closed:
		return "choice"
	case kind == "multichoice" && closed:
		return "several"
	case kind == "keyvaluelist" || strings.Contains(f.Default, "\n"):
		return "long"
	case len(f.Values) > 0:
		return "edit"
	}
	return "text"
}

// readFields reads what was filled in, into the fields and as parameters, and says in the fields what
// is wrong. Secrets are not kept in the fields: no page shows them.
func readFields(fields []field, app v1.App, form url.Values) map[string]string {
	params := map[string]string{}
	for i := range fields {
		f := &fields[i]
		given := form[fieldPrefix+f.Name]
		value := ""
		if len(given) > 0 {
			value = strings.ReplaceAll(given[0], "\r\n", "\n")
		}
		switch f.Kind {
		case "check":
			value = "false"
			if len(given) > 0 {
				value = "true"
			}
		case "several":
			f.Chosen = given
			value = strings.Join(given, delimiter(app))
		}
		if f.Kind != "secret" {
			f.Value = value
		}
		f.Problem = f.check(value, given)
		if value == "" && (f.Default == "" || f.Kind == "secret") {
			continue // an App tells none from empty; a secret's default is not shown
		}
		params[f.Name] = value
	}
	return params
}

// check says what is wrong with a value.
func (f *field) check(value string, given []string) string {
	switch {
	case f.Kind == "secret" && value == "" && f.Default != "":
		return ""
	case f.Required && value == "":
		return "This is required."
	case f.Kind == "choice" && value != "" && !slices.Contains(f.Values, value):
		return "This is none of its values."
	case f.Kind == "several" && slices.ContainsFunc(given, func(v string) bool { return !slices.Contains(f.Values, v) }):
		return "These are not all of its values."
	}
	return ""
}

// Has reports whether one of several values is chosen.
func (f field) Has(value string) bool { return slices.Contains(f.Chosen, value) }

// fieldView is a field with what an action ended with.
type fieldView struct {
	Field field
	Bad   string // what is wrong with it
	Sent  bool   // the form is shown again
	About bool   // there is something to say
}

// viewOf tells a template what to say at a field. What the cloud refuses names the parameter.
func viewOf(f field, failed *failure) fieldView {
	v := fieldView{Field: f, Sent: failed != nil}
	if v.Sent {
		v.Bad = f.Problem
		if v.Bad == "" && strings.Contains(failed.Message, strconv.Quote(f.Name)) {
			v.Bad = failed.Message
		}
	}
	v.About = v.Bad != "" || f.Note != "" || len(f.Platform) > 0 || v.Sent && f.Kind == "secret"
	return v
}
