package textfile

import (
	"bytes"
	"strconv"
	"strings"
)

// Text is a text in Prometheus' format. The zero value is empty.
type Text struct{ b bytes.Buffer }

// Bytes is the text.
func (t *Text) Bytes() []byte { return t.b.Bytes() }

// Gauge begins a family of values that go up and down, and adds them by the function that it returns,
// with labels as pairs of name and value.
func (t *Text) Gauge(name, help string) func(value float64, labels ...string) {
	return t.family(name, "gauge", help)
}

// Counter begins a family of values that only grow; its name ends in _total.
func (t *Text) Counter(name, help string) func(value float64, labels ...string) {
	return t.family(name, "counter", help)
}

// Histogram adds one: counts[i] are the observations of at most bounds[i] that are more than the bound
// before, the last of counts those that are more than all bounds.
func (t *Text) Histogram(name, help string, bounds []float64, counts []int64, sum float64) {
	t.family(name, "histogram", help)
	var all int64
	for i, n := range counts {
		all += n
		le := "+Inf"
		if i < len(bounds) {
			le = number(bounds[i])
		}
		t.sample(name+"_bucket", float64(all), "le", le)
	}
	t.sample(name+"_sum", sum)
	t.sample(name+"_count", float64(all))
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func (t *Text) family(name, kind, help string) func(value float64, labels ...string) {
	t.b.WriteString("# HELP " + name + " " + escapeHelp.Replace(help) + "\n# TYPE " + name + " " + kind + "\n")
	return func(value float64, labels ...string) { t.sample(name, value, labels...) }
}

func (t *Text) sample(name string, value float64, labels ...string) {
	t.b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		t.b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		t.b.WriteString(labels[i] + `="` + escapeLabel.Replace(strings.ToValidUTF8(labels[i+1], "�")) + `"`)
	}
	if len(labels) > 0 {
		t.b.WriteByte('}')
	}
	t.b.WriteString(" " + number(value) + "\n")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
