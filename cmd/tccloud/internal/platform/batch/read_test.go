package batch_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/cmd/tccloud/internal/platform/batch"
)

const good = `{"type":"Address","summary":"1.2.3.4","rating":"3.0","confidence":50}`

func TestRead(t *testing.T) {
	type counts struct {
		Indicators, Groups batch.Tally
		Broken             bool
		Codes              string
	}
	for name, tt := range map[string]struct {
		content string
		halt    bool
		want    counts
	}{
		"nothing":        {content: `{}`},
		"version 1":      {content: `[` + good + `]`, want: counts{Indicators: batch.Tally{Accepted: 1}}},
		"null lists":     {content: `{"indicator":null,"group":null}`},
		"others skipped": {content: `{"file":[{"a":[1,{"b":null}]}],"indicator":[` + good + `],"x":1}`, want: counts{Indicators: batch.Tally{Accepted: 1}}},
		"a file by its hashes": {content: `{"indicator":[{"type":"File","md5":"905ad8176a569a36421bf54c04ba7f95"},{"type":"File"}]}`,
			want: counts{Indicators: batch.Tally{Accepted: 1, Rejected: 1}, Codes: "0x1005"}},
		"groups": {content: `{"group":[{"type":"Incident","name":"n","xid":"x"},{"type":"Incident","name":"n"},{"type":"Incident","xid":"x"},{"type":"Party","name":"n","xid":"x"}]}`,
			want: counts{Groups: batch.Tally{Accepted: 1, Rejected: 3}, Codes: "0x1006 0x1006 0x1006"}},
		"out of bounds": {content: `{"indicator":[{"type":"Host","summary":"a","rating":6},{"type":"Host","summary":"a","confidence":-1},{"type":"Host","summary":"a","rating":"NaN"}]}`,
			want: counts{Indicators: batch.Tally{Rejected: 3}, Codes: "0x1005 0x1005 0x1005"}},
		"wrong types": {content: `{"indicator":[` + good + `,5,null,{"type":[]},{"type":"Host","summary":"a","rating":{}},` + good + `]}`,
			want: counts{Indicators: batch.Tally{Accepted: 2, Rejected: 4}, Codes: "0x1003 0x1003 0x1003 0x1003"}},
		"halted": {content: `{"indicator":[` + good + `,{},` + good + `],"group":[{}]}`, halt: true,
			want: counts{Indicators: batch.Tally{Accepted: 1, Rejected: 1, Unprocessed: 1}, Groups: batch.Tally{Unprocessed: 1}, Codes: "0x1005"}},
		"empty":              {content: ``, want: counts{Broken: true, Codes: "0x1003"}},
		"text":               {content: `"text"`, want: counts{Broken: true, Codes: "0x1003"}},
		"cut off":            {content: `{"indicator":[` + good, want: counts{Indicators: batch.Tally{Accepted: 1}, Broken: true, Codes: "0x1003"}},
		"no list":            {content: `{"indicator":{}}`, want: counts{Broken: true, Codes: "0x1003"}},
		"more than one":      {content: `{} {}`, want: counts{Broken: true, Codes: "0x1003"}},
		"deep":               {content: `{"x":` + strings.Repeat("[", 1000), want: counts{Broken: true, Codes: "0x1003"}},
		"deep in an entry":   {content: `[{"x":` + strings.Repeat("[", 100_000), want: counts{Broken: true, Codes: "0x1003"}},
		"an entry too large": {content: `[{"summary":"` + strings.Repeat("a", batch.MaxEntry), want: counts{Broken: true, Codes: "0x1003"}},
	} {
		r, err := batch.Read(strings.NewReader(tt.content), tt.halt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var codes []string
		for _, e := range r.Errors {
			codes = append(codes, e.Code)
		}
		got := counts{r.Indicators, r.Groups, r.Broken, strings.Join(codes, " ")}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s%+v", name, d, r.Errors)
		}
	}
}

func TestReadLimits(t *testing.T) {
	entries := strings.Repeat(good+",", batch.MaxIndicators+batch.MaxErrors+10)
	r, err := batch.Read(strings.NewReader(`[`+strings.TrimSuffix(entries, ",")+`]`), false)
	if err != nil || r.Indicators.Accepted != batch.MaxIndicators || r.Indicators.Rejected != batch.MaxErrors+10 || len(r.Errors) != batch.MaxErrors {
		t.Errorf("got %+v, %d errors, %v", r.Indicators, len(r.Errors), err)
	}
	if want := "would exceed the number of allowed indicators"; !strings.Contains(r.Errors[0].Reason, want) {
		t.Errorf("TcEx looks for %q, got %q", want, r.Errors[0].Reason)
	}
}

// TestBodyErrors: what the transport says is no matter of the content.
func TestBodyErrors(t *testing.T) {
	broken := errors.New("broken")
	_, err := batch.Read(io.MultiReader(strings.NewReader(`[`+good), iotest.ErrReader(broken)), false)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// endless repeats a text.
type endless struct{ text, rest string }

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		e.rest = e.text
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestMemory: content without an end needs no more memory than an entry may.
func TestMemory(t *testing.T) {
	const all = 64 << 20
	for name, content := range map[string]io.Reader{
		"entries":     io.MultiReader(strings.NewReader(`[`), &endless{text: good + ","}),
		"strings":     io.MultiReader(strings.NewReader(`["`), &endless{text: "aaaaaaaaaaaaaaaa"}),
		"brackets":    &endless{text: "[[[[[[[[[["},
		"depth":       io.MultiReader(strings.NewReader(`{"x":`), &endless{text: "[[[[[[[[[["}),
		"spaces":      &endless{text: "                    "},
		"names":       io.MultiReader(strings.NewReader(`{`), &endless{text: `"x":1,`}),
		"wrong types": io.MultiReader(strings.NewReader(`[`), &endless{text: `1,`}),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if _, err := batch.Read(io.LimitReader(content, all), false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 32<<20 {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"indicator":[`+good+`],"group":[{"type":"Incident","name":"n","xid":"x"}],"association":[{}]}`), true)
	f.Add([]byte(`[`+good+`,null,5,{"rating":"x"}]`), false)
	f.Fuzz(func(t *testing.T, data []byte, halt bool) {
		whole, err := batch.Read(bytes.NewReader(data), halt)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := batch.Read(iotest.OneByteReader(bytes.NewReader(data)), halt)
		if d := cmp.Diff(whole, slow); d != "" || err != nil {
			t.Errorf("byte by byte %v:\n%s", err, d)
		}
		if whole.Rejected() == 0 && len(whole.Errors) > 0 || whole.Rejected() > 0 && len(whole.Errors) == 0 {
			t.Errorf("counts and reasons differ: %+v", whole)
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"owner":"o","haltOnError":"true","action":"Create","version":"V2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := batch.ReadSettings(data)
		if err != nil {
			if !errors.Is(err, batch.ErrSettings) {
				t.Error(err)
			}
			return
		}
		again, err := batch.ReadSettings(s.Raw)
		if d := cmp.Diff(s, again); d != "" || err != nil {
			t.Errorf("%v:\n%s", err, d)
		}
	})
}

func ExampleRead() {
	content := `{"indicator":[{"type":"Host","summary":"bad.example"},{"type":"Ghost","summary":"x"}]}`
	r, err := batch.Read(strings.NewReader(content), false)
	fmt.Println(r.Indicators.Accepted, r.Errors[0].Source+":", r.Errors[0].Reason, err)
	// Output:
	// 1 indicator[1] x: there is no type of indicators called "Ghost" <nil>
}
