package form

import (
	"cmp"
	"slices"
	"strings"

	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// Of says which parameters of an App are asked for, and how.
type Of struct {
	Prefix  string   // of the fields' names
	Trigger bool     // those of a trigger, not of the App's start
	Kept    []string // the cloud has values of them, and does not show them
	Sealed  []string // are not asked for: nobody but the submitter can make their values
	// Variables: a Playbook variable may stand for any value.
	Variables bool
}

// Params makes the fields of an App's parameters, in its order and with its defaults. Hidden ones have
// none: they get their defaults.
func Params(app catalog.App, of Of) []Field {
	var fields []Field
	for i := range app.Params {
		p := &app.Params[i]
		if p.Hidden || p.Trigger != of.Trigger || slices.Contains(of.Sealed, p.Name) {
			continue
		}
		fields = append(fields, paramField(p, delimiter(app), of))
	}
	slices.SortStableFunc(fields, func(a, b Field) int { return cmp.Compare(a.param.Sequence, b.param.Sequence) })
	return fields
}

func delimiter(app catalog.App) string { return cmp.Or(app.ListDelimiter, "|") }

func paramField(p *catalog.Param, delimiter string, of Of) Field {
	f := Field{
		Name: of.Prefix + p.Name, Label: cmp.Or(p.Label, p.Name), Note: p.Note, Value: p.Default, Required: p.Required,
		Kept: slices.Contains(of.Kept, p.Name), param: p,
	}
	var values, platform []string
	for _, v := range p.Values {
		if strings.HasPrefix(v, "${") {
			platform = append(platform, v)
		} else if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	f.Kind = kindOf(p, len(values) > 0, len(platform) > 0)
	if len(platform) > 0 {
		f.Note = strings.TrimSpace(f.Note + " The vendor's platform offers " + strings.Join(platform, ", ") + " here; fill in a value.")
	}
	switch {
	case f.Kind == Check && (f.Kept || of.Variables):
		f.Kind, values = Choice, []string{"true", "false"}
	case f.Kind == Secret && p.Default != "":
		f.Hint = "The App's default"
	}
	if of.Variables && (f.Kind == Choice || f.Kind == Several) {
		f.Kind = Edit
	}
	f.Options = Options(values...)
	switch f.Kind {
	case Secret:
		f.Value = ""
	case Several:
		f.Chosen = strings.Split(p.Default, delimiter)
	case Choice:
		if !f.Required || f.Value == "" || f.Kept {
			first := Option{Label: "Choose one"}
			if f.Kept {
				first.Label = "As it is"
			} else if !f.Required {
				first.Label = ""
			}
			f.Options = append([]Option{first}, f.Options...)
		}
	}
	if f.Kept {
		f.Value, f.Chosen, f.Hint = "", nil, "Stays as it is"
		if f.Kind == Several {
			f.Unit = "none checked: as it is"
		}
	}
	return f
}

// kindOf chooses the element. Where the platform would have filled in what can be chosen, anything can
// be.
func kindOf(p *catalog.Param, values, platform bool) Kind {
	closed := values && !platform
	switch kind := strings.ToLower(p.Type); {
	case p.Encrypt:
		return Secret
	case kind == "boolean":
		return Check
	case kind == "choice" && closed:
		return Choice
	case kind == "multichoice" && closed:
		return Several
	case kind == "keyvaluelist" || strings.Contains(p.Default, "\n"):
		return Long
	case values:
		return Edit
	}
	return Text
}

// Params are the parameters that were filled in. What is as the App has it by itself is left to it.
func (f *Form) Params(app catalog.App, of Of) map[string]string {
	params := map[string]string{}
	f.params(of, func(field *Field) {
		value := field.Value
		switch field.Kind {
		case Secret:
			value = f.secrets[field.Name]
		case Several:
			value = strings.Join(field.Chosen, delimiter(app))
		}
		switch {
		case field.Drop, value == "" && (field.Kept || field.Kind == Secret):
		case !field.Kept && value == field.param.Default: // "" as well: an App tells none from empty
		default:
			params[field.param.Name] = value
		}
	})
	return params
}

// Dropped are the parameters whose kept values are to be removed.
func (f *Form) Dropped(of Of) (names []string) {
	f.params(of, func(field *Field) {
		if field.Drop {
			names = append(names, field.param.Name)
		}
	})
	return names
}

// params visits the fields of an App's parameters.
func (f *Form) params(of Of, visit func(*Field)) {
	f.each(func(field *Field, asked bool) {
		if asked && field.param != nil && strings.HasPrefix(field.Name, of.Prefix) && field.param.Trigger == of.Trigger {
			visit(field)
		}
	})
}
