package tcx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"tcenvsvr/agent/logging/nearest"
)

// Flaw is something in an install.json that is wrong, and the line where it stands.
type Flaw struct {
	Line int // counted from 1
	Text string
}

func (f Flaw) String() string { return fmt.Sprintf("line %d: %s", f.Line, f.Text) }

// Lines tells where the values of an install.json stand, under names like "params[2].type".
type Lines map[string]int

// Of returns the line of a value, or of the value around it where it is missing.
func (l Lines) Of(path string) int {
	for path != "" {
		if line, ok := l[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return max(1, l[""])
}

// Key is a name in an install.json that is not read, or stands there twice.
type Key struct {
	Path  string
	Line  int    // of its value
	Meant string // the name beside it that would be read and looks most like it, "" if none does
	Again bool   // it stands there a second time
}

// maxListed bounds how many items of one list are remembered.
const maxListed = maxParams + 1

// scanner reads an install.json as [file] has it, and remembers where what stands.
type scanner struct {
	*json.Decoder
	data  []byte
	at    int // the offset up to which lines are counted
	line  int
	lines Lines
	keys  []Key
	flaws []Flaw

	// Values that are none of their type: their names, and where they begin and end.
	unread map[string]bool
	spans  [][2]int
}

// scan returns all that is not as [file] has it. A syntax error ends it.
func scan(data []byte) *scanner {
	s := &scanner{Decoder: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1, lines: Lines{}, unread: map[string]bool{}}
	s.UseNumber()
	var whole json.RawMessage
	err := json.Unmarshal(data, &whole) // checks the syntax, and how deep it goes
	if err == nil {
		err = s.value("", reflect.TypeFor[file]())
	}
	if err != nil {
		at := s.InputOffset()
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = syntax.Offset
		}
		s.flaws = append(s.flaws, Flaw{1 + bytes.Count(data[:min(at, int64(len(data)))], []byte("\n")), plainSyntax(err)})
	}
	return s
}

// plainSyntax says in plain words what Go says of JSON.
func plainSyntax(err error) string {
	switch text := err.Error(); {
	case errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(text, "unexpected end"):
		return "it is cut short: a } or ] is missing at its end"
	case strings.Contains(text, "'}' looking for beginning of object key"), strings.Contains(text, "']' looking for beginning of value"):
		return "a comma stands before the bracket that closes"
	default:
		return "it is no JSON: " + text
	}
}

// rest is what was scanned, with null in place of the values that are none of their type.
func (s *scanner) rest() []byte {
	var rest []byte
	at := 0
	for _, span := range s.spans {
		rest = append(append(rest, s.data[at:span[0]]...), "null"...)
		at = span[1]
	}
	return append(rest, s.data[at:]...)
}

func (s *scanner) flaw(format string, args ...any) {
	if len(s.flaws) < maxFaults {
		s.flaws = append(s.flaws, Flaw{s.line, fmt.Sprintf(format, args...)})
	}
}

// token returns the next token, and counts lines up to it.
func (s *scanner) token() (json.Token, error) {
	t, err := s.Token()
	at := int(s.InputOffset())
	s.line += bytes.Count(s.data[s.at:at], []byte("\n"))
	s.at = at
	return t, err
}

// value reads what stands at path; t is its type in [file], nil where that does not matter.
func (s *scanner) value(path string, t reflect.Type) error {
	before := s.at
	token, err := s.token()
	if err != nil {
		return err
	}
	if t != nil {
		s.lines[path] = s.line
		if want := wanted(t, token); want != "" {
			s.flaw("%swant %s", subject(path), want)
			t, s.unread[path] = nil, true
			begin := before + bytes.IndexFunc(s.data[before:], func(r rune) bool { return !strings.ContainsRune(" \t\r\n:,", r) })
			defer func() { s.spans = append(s.spans, [2]int{begin, s.at}) }()
		}
	}
	switch token {
	case json.Delim('{'):
		err = s.object(path, t)
	case json.Delim('['):
		err = s.list(path, t)
	}
	return err
}

func subject(path string) string {
	if path == "" {
		return "install.json: "
	}
	return path + ": "
}

// wanted is what should stand in the place of token, "" if it may stand there.
func wanted(t reflect.Type, token json.Token) string {
	object, list := token == json.Delim('{'), token == json.Delim('[')
	switch {
	case token == nil: // null is nothing
	case t == reflect.TypeFor[text](), t == reflect.TypeFor[flag]():
		if object || list {
			return "a text, number or boolean"
		}
	case t == reflect.TypeFor[words]():
		if object {
			return "a text, or a list of texts"
		}
	case t == reflect.TypeFor[composite](), t == reflect.TypeFor[loose](), t == reflect.TypeFor[options]():
	case t.Kind() == reflect.Struct && !object:
		return "an object {…}"
	case t.Kind() == reflect.Slice && !list:
		return "a list […]"
	}
	return ""
}

func (s *scanner) object(path string, t reflect.Type) error {
	seen := map[string]bool{}
	known := t != nil && t.Kind() == reflect.Struct
	for s.More() {
		token, err := s.token()
		if err != nil {
			return err
		}
		key := Key{}
		name, _ := token.(string)
		var field reflect.Type
		if known {
			field, name = member(t, name)
			key.Again = seen[name]
			seen[name] = true
		}
		if known { // elsewhere names are not needed, and those of a deep object would take gigabytes
			key.Path = within(path, name)
		}
		if err := s.value(key.Path, field); err != nil {
			return err
		}
		if key.Line = s.line; known && (key.Again || field == nil) && len(s.keys) < maxFaults {
			key.Meant = within(path, nearest.Of(name, members(t)))
			s.keys = append(s.keys, key)
		}
	}
	_, err := s.token()
	return err
}

// within is the path of a member of the object at path, "" for no member.
func within(path, name string) string {
	if path == "" || name == "" {
		return name
	}
	return path + "." + name
}

// member returns the type and the name of the field that a key names, as encoding/json finds it.
func member(t reflect.Type, key string) (reflect.Type, string) {
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("json"); strings.EqualFold(name, key) {
			return t.Field(i).Type, name
		}
	}
	return nil, key
}

// members are the names of all fields.
func members(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("json"))
	}
	return names
}

func (s *scanner) list(path string, t reflect.Type) error {
	var item reflect.Type
	switch {
	case t == nil:
	case t == reflect.TypeFor[words]():
		item = reflect.TypeFor[text]()
	case t.Kind() == reflect.Slice:
		item = t.Elem()
	}
	for i := 0; s.More(); i++ {
		if i == maxListed {
			item = nil
		}
		at := ""
		if item != nil {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		if err := s.value(at, item); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}
