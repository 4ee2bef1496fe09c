package form

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// Kind is what a field looks like, and what can be filled in.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	Long     Kind = "long" // lines of text
	Secret   Kind = "secret"
	Check    Kind = "check"    // "true" or "false"
	Choice   Kind = "choice"   // one of the Options
	Radio    Kind = "radio"    // one of the Options, which may have fields of their own
	Several  Kind = "several"  // any of the Options
	Edit     Kind = "edit"     // text, for which the Options are proposals
	Number   Kind = "number"   // whole, from Min to Max; "" is 0
	Percent  Kind = "percent"  // 0 to 100
	Duration Kind = "duration" // from Min to Max seconds; "" is 0, a number alone is minutes
	Time     Kind = "time"     // 2026-12-24T18:00
)

// Field is one thing to fill in.
type Field struct {
	Name  string // of the element
	ID    string // of the element; New gives it
	Kind  Kind
	Label string
	Unit  string // after the label, quietly
	Note  string // below
	Hint  string // in the empty element
	Value string
	// Options are what can be chosen, and Chosen what is, of Several.
	Options  []Option
	Chosen   []string
	Required bool
	Min, Max int64
	// Kept: the cloud has a value that it does not show. An empty field leaves it, and Drop removes it.
	Kept, Drop bool
	Problem    string // what is wrong with what was filled in
	Again      bool   // a secret was filled in, and is to be once more
	// Says is how the cloud names the field in what it says about it.
	Says []string

	param  *catalog.Param // that it is for
	nested bool           // below an option
}

// Option is one of several to choose from.
type Option struct {
	Value, Label string
	Note         string
	Fields       []Field // that belong to it; of Radio
}

// Options are texts to choose from, as they are.
func Options(values ...string) []Option {
	var list []Option
	for _, v := range values {
		list = append(list, Option{Value: v, Label: v})
	}
	return list
}

// dropPrefix is before a field's name in that of the box that removes what is kept.
const dropPrefix = "drop."

// DropName is the name of the box that removes what is kept.
func (f Field) DropName() string { return dropPrefix + f.Name }

// Droppable reports whether there is something to remove that the App can do without.
func (f Field) Droppable() bool {
	return f.Kept && f.param != nil && (!f.Required || f.param.Default != "")
}

// Optional reports whether the field may be said to be so.
func (f Field) Optional() bool {
	return !f.Required && f.Unit == "" && f.Kind != Check && f.Kind != Radio
}

// Asked reports whether the browser is to insist on it. It cannot on what it does not show.
func (f Field) Asked() bool { return f.Required && !f.Kept && !f.nested && !f.defaulted() }

// defaulted reports whether an empty secret gets the App's default, which no page shows.
func (f Field) defaulted() bool { return f.Kind == Secret && f.param != nil && f.param.Default != "" }

// Has reports whether one of several options is chosen.
func (f Field) Has(value string) bool { return slices.Contains(f.Chosen, value) }

// About reports whether there is something to say about it.
func (f Field) About() bool { return f.Note != "" || f.Problem != "" || f.Again }

// read reads what was sent. A secret is not kept: no page shows it.
func (f *Field) read(sent url.Values) (secret string) {
	given := sent[f.Name]
	value := ""
	if len(given) > 0 {
		value = strings.ReplaceAll(given[0], "\r\n", "\n")
	}
	f.Drop = f.Droppable() && sent.Has(f.DropName())
	switch {
	case f.Kind == Check:
		value = strconv.FormatBool(len(given) > 0)
	case f.Kind == Several:
		f.Chosen = given
	case f.param == nil && f.Kind != Secret && f.Kind != Long:
		value = strings.TrimSpace(value)
	}
	f.Problem = f.check(value)
	if f.Kind == Secret {
		f.Again = value != ""
		return value
	}
	f.Value = value
	return ""
}

// check says what is wrong with a value.
func (f *Field) check(value string) string {
	empty := value == "" || f.Kind == Several && len(f.Chosen) == 0
	switch {
	case f.Kind == Check && f.Required && f.param == nil && value == "false":
		return "Check it to go on."
	case empty && f.Required && !f.Kept && !f.defaulted():
		return "This is required."
	case empty:
		return ""
	}
	switch f.Kind {
	case Choice, Radio:
		if !f.offers(value) {
			return "This is none of its values."
		}
	case Several:
		if slices.ContainsFunc(f.Chosen, func(v string) bool { return !f.offers(v) }) {
			return "These are not all of its values."
		}
	case Number:
		if n, err := strconv.ParseInt(value, 10, 64); err != nil || n < f.Min || n > f.Max {
			return fmt.Sprintf("This is a whole number from %d to %d.", f.Min, f.Max)
		}
	case Percent:
		if n, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(n) || n < 0 || n > 100 {
			return "This is a number from 0 to 100."
		}
	case Duration:
		d, err := parseDuration(value)
		if least, most := time.Duration(f.Min)*time.Second, time.Duration(f.Max)*time.Second; err != nil || d < least || d > most {
			return fmt.Sprintf("This is a time from %s to %s, such as 90s, 30m or 2h.", DurationText(least), DurationText(most))
		}
	case Time:
		if _, err := time.Parse(timeForm, value); err != nil {
			return "This is a time such as 2026-12-24T18:00."
		}
	}
	return ""
}

func (f *Field) offers(value string) bool {
	return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == value })
}

// timeForm is how browsers send a time.
const timeForm = "2006-01-02T15:04"

// parseDuration takes a number alone as minutes.
func parseDuration(s string) (time.Duration, error) {
	if _, err := strconv.Atoi(s); err == nil {
		s += "m"
	}
	return time.ParseDuration(s)
}

// DurationText is a duration as one writes it into a field; "" is 0.
func DurationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// NumberText is a number as one writes it into a field; "" is 0.
func NumberText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
