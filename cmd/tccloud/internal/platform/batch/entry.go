package batch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tcenvsvr/agent/logging/plain"
)

// Codes of the platform.
const (
	codeSyntax    = "0x1003"
	codeIndicator = "0x1005"
	codeGroup     = "0x1006"
	codeLimit     = "0x1008"
)

// entry is an indicator or a group, as far as it is judged.
type entry struct {
	Type       string `json:"type"`
	Summary    string `json:"summary"`
	Name       string `json:"name"`
	XID        string `json:"xid"`
	MD5        string `json:"md5"`
	SHA1       string `json:"sha1"`
	SHA256     string `json:"sha256"`
	Rating     number `json:"rating"`
	Confidence number `json:"confidence"`
}

// number is a number or the text of one; nil where it was not given.
type number struct{ value *float64 }

var errNumber = errors.New("not a number")

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return errNumber
	}
	n.value = &v
	return nil
}

func (n number) outside(least, most float64) bool {
	return n.value != nil && !(*n.value >= least && *n.value <= most) // NaN is outside
}

// entry reads and judges the next entry of a list. An error is one of the whole content.
func (d *reader) entry(list string, n int) error {
	var e *entry
	err := d.dec.Decode(&e)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return syntax
	}
	wrong := err
	if err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok && !errors.Is(err, errNumber) {
			return err
		}
		wrong = errors.New("its fields have wrong types")
	} else if e == nil {
		wrong = errors.New("it is null")
	}
	if list == "association" {
		d.report.Associations++
		return nil
	}
	tally := &d.report.Indicators
	if list == "group" {
		tally = &d.report.Groups
	}
	if d.halted {
		tally.Unprocessed++
		return nil
	}
	problem := Error{Code: codeSyntax, Source: fmt.Sprintf("%s[%d]", list, n)}
	switch {
	case wrong != nil:
		problem.Reason = wrong.Error()
	case list == "group":
		problem.Code, problem.Reason = codeGroup, e.group()
	case tally.Accepted >= MaxIndicators:
		problem.Code = codeLimit
		problem.Reason = fmt.Sprintf("it would exceed the number of allowed indicators: %d in one batch job", MaxIndicators)
	default:
		problem.Code, problem.Reason = codeIndicator, e.indicator()
	}
	if problem.Reason == "" {
		tally.Accepted++
		return nil
	}
	if e != nil {
		if name := e.shown(); name != "" {
			problem.Source += " " + name
		}
	}
	tally.Rejected++
	d.halted = d.halt
	d.note(problem)
	return nil
}

func (d *reader) note(e Error) {
	if len(d.report.Errors) < MaxErrors {
		d.report.Errors = append(d.report.Errors, e)
	}
}

// shown is what people call the entry.
func (e *entry) shown() string {
	for _, name := range []string{e.Summary, e.Name, e.XID} {
		if name != "" {
			return plain.Line(plain.Head(name, 120))
		}
	}
	return ""
}

// indicator returns why the platform refuses the indicator, "" if it does not.
func (e *entry) indicator() string {
	switch {
	case !slices.ContainsFunc(IndicatorTypes, func(t IndicatorType) bool { return t.Name == e.Type }):
		return fmt.Sprintf("there is no type of indicators called %q", plain.Line(plain.Head(e.Type, 60)))
	case e.Summary == "" && (e.Type != "File" || e.MD5+e.SHA1+e.SHA256 == ""):
		return "it has no summary"
	case e.Rating.outside(0, 5):
		return "its rating is outside 0–5"
	case e.Confidence.outside(0, 100):
		return "its confidence is outside 0–100"
	}
	return ""
}

// group returns why the platform refuses the group, "" if it does not.
func (e *entry) group() string {
	switch {
	case !slices.Contains(GroupTypes, e.Type):
		return fmt.Sprintf("there is no type of groups called %q", plain.Line(plain.Head(e.Type, 60)))
	case e.Name == "":
		return "it has no name"
	case e.XID == "":
		return "it has no xid"
	}
	return ""
}
