package batch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Limits of one batch job.
const (
	MaxIndicators = 25_000  // as the platform has it
	MaxEntry      = 1 << 20 // bytes of one indicator, group or association
	MaxErrors     = 500     // that are kept with their reasons
	MaxEntries    = 250_000 // of all kinds; to read on would take time and change nothing
	maxDepth      = 64      // of what is not of interest
	maxTokens     = 1_000_000
)

// Tally counts entries.
type Tally struct {
	Accepted    int `json:"accepted"`
	Rejected    int `json:"rejected"`
	Unprocessed int `json:"unprocessed,omitempty"` // after an error that halted the batch job
}

// Report is what became of a batch job's content.
type Report struct {
	Indicators   Tally `json:"indicators"`
	Groups       Tally `json:"groups"`
	Associations int   `json:"associations,omitempty"`
	// Broken: the content is no JSON that a batch job takes; what came before the place was judged.
	Broken bool    `json:"broken,omitempty"`
	Errors []Error `json:"errors,omitempty"` // the first MaxErrors
}

// Error is why an entry was rejected.
type Error struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Source string `json:"source"` // the entry, cut
}

// Rejected is how many errors there are in all.
func (r *Report) Rejected() int {
	n := r.Indicators.Rejected + r.Groups.Rejected
	if r.Broken {
		n++
	}
	return n
}

// Read judges the content of a batch job. Its error is that of r alone; what is wrong with the
// content is in the report. It may end before the end of r.
func Read(r io.Reader, haltOnError bool) (Report, error) {
	b := &budget{r: r}
	d := &reader{budget: b, dec: json.NewDecoder(b), halt: haltOnError}
	err := d.content()
	if b.err != nil {
		return d.report, b.err
	}
	if err != nil {
		d.report.Broken = true
		d.note(Error{codeSyntax, "the content is not the JSON of a batch job: " + why(err), d.place})
	}
	return d.report, nil
}

// budget is a reader that gives so many bytes until it is refilled: nothing that the decoder must
// hold as a whole is larger.
type budget struct {
	r    io.Reader
	left int
	err  error // of r, other than its end
}

var errMany = fmt.Errorf("it has more than %d entries, or too much that belongs to none", MaxEntries)

var errLarge = fmt.Errorf("one entry has more than %d bytes", MaxEntry)

// Read implements io.Reader. It fills p: the decoder looks through all of a run of spaces again after
// each piece, and pieces of one byte would make that quadratic.
func (b *budget) Read(p []byte) (n int, err error) {
	if b.left <= 0 {
		return 0, errLarge
	}
	p = p[:min(len(p), b.left)]
	for n < len(p) && err == nil {
		var more int
		more, err = b.r.Read(p[n:])
		n += more
	}
	b.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// why says what a decoder found, without quoting the content.
func why(err error) string {
	switch syntax, ok := errors.AsType[*json.SyntaxError](err); {
	case ok:
		return fmt.Sprintf("at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	case errors.Is(err, errLarge), errors.Is(err, errShape), errors.Is(err, errMany):
		return err.Error()
	}
	return "it cannot be read"
}

var errShape = errors.New("it is no list, and no object with lists of indicators and groups")

// reader reads one content.
type reader struct {
	budget *budget
	dec    *json.Decoder
	halt   bool
	halted bool
	place  string // the list that is being read
	tokens int
	count  int // of entries
	report Report
}

func (d *reader) token() (json.Token, error) {
	if d.tokens++; d.tokens > maxTokens {
		return nil, errMany
	}
	d.budget.left = MaxEntry
	return d.dec.Token()
}

// content reads the whole.
func (d *reader) content() error {
	t, err := d.token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		err = d.list("indicator")
	case json.Delim('{'):
		err = d.lists()
	default:
		return errShape
	}
	if err != nil {
		return err
	}
	if _, err := d.token(); !errors.Is(err, io.EOF) {
		return errShape
	}
	return nil
}

// lists reads the object of version V2, after its brace.
func (d *reader) lists() error {
	for {
		t, err := d.token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return nil // the closing brace
		}
		if t, err = d.token(); err != nil {
			return err
		}
		switch name {
		case "indicator", "group", "association":
			if t == nil { // null
				continue
			}
			if t != json.Delim('[') {
				return errShape
			}
			err = d.list(name)
		default:
			err = d.skip(t)
		}
		if err != nil {
			return err
		}
	}
}

// list reads a list, after its bracket.
func (d *reader) list(name string) error {
	d.place = name
	for n := 0; ; n++ {
		d.budget.left = MaxEntry
		if !d.dec.More() {
			break
		}
		if d.count++; d.count > MaxEntries {
			return errMany
		}
		d.budget.left = MaxEntry
		if err := d.entry(name, n); err != nil {
			return err
		}
	}
	_, err := d.token()
	return err
}

// skip reads what follows t and is not of interest.
func (d *reader) skip(t json.Token) error {
	for depth := 0; ; {
		switch t {
		case json.Delim('['), json.Delim('{'):
			if depth++; depth > maxDepth {
				return errShape
			}
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		var err error
		if t, err = d.token(); err != nil {
			return err
		}
	}
}
