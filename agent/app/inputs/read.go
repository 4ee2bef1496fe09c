package inputs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Flags are the words of a command line.
type Flags struct {
	Params    []string // NAME=VALUE or NAME=@FILE
	ParamFile string   // a JSON object of parameters, - is stdin; Params win
	KV        []string // NAME=JSON or NAME=@FILE; what is no JSON becomes a string
	KVFile    string   // a JSON object of Playbook variables, - is stdin; KV wins
}

// Values are inputs as they were given.
type Values struct {
	Params map[string]string
	KV     map[string]string // JSON texts
}

// ErrUsage means that a word on the command line does not have the form that its flag wants.
var ErrUsage = errors.New("wrong command line")

// MaxFile bounds what is read from a file that a command line names.
const MaxFile = 32 << 20

// Source is where files that a command line names are read from.
type Source struct {
	Stdin io.Reader                           // "-"
	Open  func(name string) (*os.File, error) // nil = os.Open
}

// Files are the names of the files that Read reads.
func (f Flags) Files() []string {
	return append(Files(append(f.Params, f.KV...)), f.ParamFile, f.KVFile)
}

// Files are the names in words of the form NAME=@FILE.
func Files(words []string) []string {
	var files []string
	for _, word := range words {
		_, value, _ := strings.Cut(word, "=")
		if file, ok := strings.CutPrefix(value, "@"); ok && !strings.HasPrefix(file, "@") {
			files = append(files, file)
		}
	}
	return files
}

// Read reads everything that the flags name.
func (f Flags) Read(from Source) (Values, error) {
	v := Values{Params: map[string]string{}, KV: map[string]string{}}
	if f.ParamFile == "-" && f.KVFile == "-" {
		return v, form("--param-file and --kv-file cannot both be read from standard input")
	}
	if f.ParamFile != "" {
		if err := from.object(f.ParamFile, func(name string, raw json.RawMessage) (err error) {
			v.Params[name], err = text(raw)
			return err
		}); err != nil {
			return v, fmt.Errorf("reading the parameter file %q: %w", f.ParamFile, err)
		}
	}
	if f.KVFile != "" {
		if err := from.object(f.KVFile, func(name string, raw json.RawMessage) error {
			v.KV[name] = string(raw)
			return nil
		}); err != nil {
			return v, fmt.Errorf("reading the file of Playbook variables %q: %w", f.KVFile, err)
		}
	}
	if err := from.Assign("--param", f.Params, v.Params); err != nil {
		return v, err
	}
	given := map[string]string{}
	if err := from.Assign("--kv", f.KV, given); err != nil {
		return v, err
	}
	for name, value := range given {
		v.KV[name] = asJSON(name, value)
	}
	return v, nil
}

// Assign reads words of the form NAME=VALUE or NAME=@FILE; @@ is a literal @. A name that is given
// twice is refused: nobody can tell which value was meant.
func (from Source) Assign(flag string, words []string, into map[string]string) error {
	given := make(map[string]bool, len(words))
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok || name == "" {
			// Not quoted: it may be a secret given without its name.
			return form("%s wants NAME=VALUE or NAME=@FILE", flag)
		}
		if given[name] {
			return form("%s %.80q is given twice", flag, name)
		}
		given[name] = true
		switch {
		case strings.HasPrefix(value, "@@"):
			value = value[1:]
		case strings.HasPrefix(value, "@"):
			data, err := from.file(value[1:])
			if err != nil {
				return fmt.Errorf("reading the value of %s %q: %w", flag, name, err)
			}
			value = strings.TrimSuffix(string(data), "\n")
		}
		into[name] = value
	}
	return nil
}

// Read reads a file, or standard input for "-".
func (from Source) Read(name string) ([]byte, error) {
	if name == "-" {
		return bounded(name, from.Stdin)
	}
	return from.file(name)
}

func (from Source) file(name string) ([]byte, error) {
	open := from.Open
	if open == nil {
		open = os.Open
	}
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(name, f)
}

func bounded(name string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err == nil && len(data) > MaxFile {
		err = fmt.Errorf("%q is larger than %d bytes", name, MaxFile)
	}
	return data, err
}

func form(format string, args ...any) error {
	return &formError{fmt.Sprintf(format, args...)}
}

type formError struct{ text string }

func (e *formError) Error() string { return e.text }

// Is makes the error an ErrUsage without adding its text.
func (e *formError) Is(target error) bool { return target == ErrUsage }

// object reads a file that is a JSON object and no more.
func (from Source) object(file string, each func(name string, raw json.RawMessage) error) error {
	data, err := from.Read(file)
	if err != nil {
		return err
	}
	return object(data, each)
}

func object(data []byte, each func(name string, raw json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errObject
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, isText := token.(string)
		var raw json.RawMessage
		if err != nil || !isText || d.Decode(&raw) != nil {
			return errObject
		}
		if seen[name] {
			return fmt.Errorf("%.80q stands in it twice", name)
		}
		seen[name] = true
		if err := each(name, raw); err != nil {
			return fmt.Errorf("parameter %.80q %w", name, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

var errObject = errors.New("it is not a JSON object")

// text returns a parameter's value. Apps get texts: a number or a boolean becomes the text that
// stands in the JSON.
func text(raw json.RawMessage) (string, error) {
	if s := string(raw); s == "true" || s == "false" || s[0] == '-' || s[0] >= '0' && s[0] <= '9' {
		return s, nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", errors.New("is neither text nor number nor boolean")
	}
	return *s, nil
}
