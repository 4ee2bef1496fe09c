package tcx

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// file is install.json as it is found in the wild.
type file struct {
	ProgramName     text   `json:"programName"`
	DisplayName     text   `json:"displayName"`
	ProgramVersion  text   `json:"programVersion"`
	ProgramLanguage text   `json:"programLanguage"`
	ProgramMain     text   `json:"programMain"`
	MainAppClass    text   `json:"mainAppClass"`
	LanguageVersion text   `json:"languageVersion"`
	SDKVersion      text   `json:"sdkVersion"`
	AppID           text   `json:"appId"`
	RuntimeLevel    words  `json:"runtimeLevel"`
	ListDelimiter   text   `json:"listDelimiter"`
	Features        words  `json:"features"`
	JavaClasspath   words  `json:"javaClasspath"`
	PublishOutFiles words  `json:"publishOutFiles"`
	TimeoutMinutes  text   `json:"timeoutMinutes"`
	Params          params `json:"params"`
	Playbook        struct {
		OutputVariables []struct {
			Name text `json:"name"`
			Type text `json:"type"`
		} `json:"outputVariables"`
	} `json:"playbook"`
}

// param is a declared input.
type param struct {
	Name          text      `json:"name"`
	Type          text      `json:"type"`
	Label         text      `json:"label"`
	Required      flag      `json:"required"`
	Encrypt       flag      `json:"encrypt"`
	ServiceConfig flag      `json:"serviceConfig"`
	AllowMultiple flag      `json:"allowMultiple"`
	Default       composite `json:"default"`
	Note          loose     `json:"note"`
	Hidden        loose     `json:"hidden"`
	Sequence      loose     `json:"sequence"`
	ValidValues   options   `json:"validValues"`
}

// params are as many as a manifest may have, and one more: a longer list costs no more than that.
type params []param

func (p *params) UnmarshalJSON(b []byte) error {
	*p = nil
	if b[0] != '[' {
		return json.Unmarshal(b, (*[]param)(p))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() && len(*p) <= maxParams {
		var one param
		if err := d.Decode(&one); err != nil {
			return err
		}
		*p = append(*p, one)
	}
	return nil
}

func (f *file) manifest() Manifest {
	m := Manifest{
		ProgramName:     string(f.ProgramName),
		DisplayName:     string(f.DisplayName),
		ProgramVersion:  string(f.ProgramVersion),
		Language:        strings.ToLower(strings.TrimSpace(string(f.ProgramLanguage))),
		Main:            strings.TrimSpace(string(f.ProgramMain)),
		MainAppClass:    strings.TrimSpace(string(f.MainAppClass)),
		LanguageVersion: string(f.LanguageVersion),
		SDKVersion:      string(f.SDKVersion),
		AppID:           string(f.AppID),
		RuntimeLevel:    f.RuntimeLevel.lower(),
		ListDelimiter:   string(f.ListDelimiter),
		Features:        f.Features.lower(),
		JavaClasspath:   f.JavaClasspath,
		PublishOutFiles: f.PublishOutFiles,
	}
	if m.ListDelimiter == "" {
		m.ListDelimiter = "|"
	}
	// A timeout that is not a number is ignored: the order has its own.
	m.TimeoutMinutes, _ = strconv.Atoi(string(f.TimeoutMinutes))
	for _, p := range f.Params {
		sequence, _ := strconv.Atoi(string(p.Sequence)) // one that is no number is none
		m.Params = append(m.Params, Param{
			Name: string(p.Name), Type: string(p.Type), Label: string(p.Label), Default: string(p.Default),
			Required: bool(p.Required), Encrypt: bool(p.Encrypt), ServiceConfig: bool(p.ServiceConfig), AllowMultiple: bool(p.AllowMultiple),
			Note: string(p.Note), Hidden: strings.EqualFold(string(p.Hidden), "true"), Sequence: sequence, ValidValues: p.ValidValues,
		})
	}
	for _, o := range f.Playbook.OutputVariables {
		m.Playbook.OutputVariables = append(m.Playbook.OutputVariables, Output{Name: string(o.Name), Type: string(o.Type)})
	}
	return m
}

var errWord = errors.New("want a text, number or boolean")

// text is a string that may be written as a number, a boolean or null.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("null")):
		*t = ""
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	case b[0] == '{' || b[0] == '[':
		return errWord
	default:
		*t = text(b)
	}
	return nil
}

// composite is a text that may be any JSON; a list or an object stays JSON text.
type composite string

func (c *composite) UnmarshalJSON(b []byte) error {
	if b[0] == '{' || b[0] == '[' {
		*c = composite(b)
		return nil
	}
	return (*text)(c).UnmarshalJSON(b)
}

// loose is a text that only people read: anything else is none.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	var t text
	if t.UnmarshalJSON(b) != nil {
		t = ""
	}
	*l = loose(t)
	return nil
}

// options are a list of texts to choose from; what is no list is none.
type options []string

func (o *options) UnmarshalJSON(b []byte) error {
	var list []loose
	*o = nil
	if json.Unmarshal(b, &list) != nil {
		return nil
	}
	for _, l := range list {
		if l != "" {
			*o = append(*o, string(l))
		}
	}
	return nil
}

// flag is a boolean that may be written as text.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*f = flag(strings.EqualFold(string(t), "true"))
	return nil
}

// words is a list that may be written as a single word.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var list []text
	if b[0] == '[' {
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
	} else {
		var one text
		if err := one.UnmarshalJSON(b); err != nil {
			return err
		}
		list = []text{one}
	}
	*w = nil
	for _, t := range list {
		if s := strings.TrimSpace(string(t)); s != "" {
			*w = append(*w, s)
		}
	}
	return nil
}

func (w words) lower() []string {
	var out []string
	for _, s := range w {
		out = append(out, strings.ToLower(s))
	}
	return out
}
