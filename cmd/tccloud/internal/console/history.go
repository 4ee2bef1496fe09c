package console

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
)

// history is what happened in an Environment: charts, and the table beside them. assets/history.js
// draws them anew.
type history struct {
	Topic  string
	Span   span
	Spans  []span
	Charts []chart
	Times  []string // of the bars, stamps
}

// span is how much a history shows, and in what steps.
type span struct {
	Hours, Step int
	Words, Each string
}

var historySpans = []span{{24, 1, "24 hours", "hour"}, {168, 6, "7 days", "6 hours"}, {720, 24, "30 days", "day"}}

// chart is one figure over time.
type chart struct {
	Name, Title string
	Bars        []bar
	Most        string
	Desc        string // in words
}

// bar is drawn in a chart that is 100 high, at X.
type bar struct {
	X, Y, Height int
	Text         string
}

// Width is what the chart's bars take.
func (c chart) Width() int { return barStep * len(c.Bars) }

const barStep = 10

// figures are what of the hours is drawn.
var figures = []struct {
	name, title string
	of          func(v1.Hour) float64
	text        func(float64) string
}{
	{"messages", "Messages", func(h v1.Hour) float64 { return float64(h.Messages) }, wholeText},
	{"executions", "Executions", func(h v1.Hour) float64 { return float64(h.Created) }, wholeText},
	{"failed", "Failed", func(h v1.Hour) float64 { return float64(h.Failed) }, wholeText},
	{"wait", "Average queue wait", func(h v1.Hour) float64 { return h.QueueWaitMS }, millisText},
	{"trip", "Average round trip", func(h v1.Hour) float64 { return h.RoundTripMS }, millisText},
}

func wholeText(n float64) string { return number(int(n)) }

func millisText(ms float64) string { return duration(time.Duration(ms * float64(time.Millisecond))) }

// spanOf is the span of so many hours, the first one where there is none.
func spanOf(hours string) span {
	for _, s := range historySpans {
		if strconv.Itoa(s.Hours) == hours {
			return s
		}
	}
	return historySpans[0]
}

// loadHistory asks for an Environment's history.
func loadHistory(ctx context.Context, c *client.Client, environment string, s span) (history, error) {
	h := history{Topic: fmt.Sprintf("history/%s@%d", environment, s.Hours), Span: s, Spans: historySpans}
	hours, err := c.History(ctx, environment, s.Hours)
	if err != nil {
		return h, err
	}
	steps := inSteps(hours, s.Step)
	for _, one := range steps {
		h.Times = append(h.Times, stamp(one.From))
	}
	for _, f := range figures {
		h.Charts = append(h.Charts, draw(chart{Name: f.name, Title: f.title}, steps, f.of, f.text))
	}
	return h, nil
}

// inSteps puts so many hours together, counted from the newest. Means count as what they are means of.
func inSteps(hours []v1.Hour, step int) []v1.Hour {
	var all []v1.Hour
	for end := len(hours); end > 0; end -= step {
		var sum v1.Hour
		for _, h := range hours[max(0, end-step):end] {
			sum.Created += h.Created
			sum.Ended += h.Ended
			sum.Failed += h.Failed
			sum.QueueWaitMS += h.QueueWaitMS * float64(h.Messages)
			sum.RoundTripMS += h.RoundTripMS * float64(h.Messages)
			sum.Messages += h.Messages
		}
		sum.From = hours[max(0, end-step)].From
		sum.QueueWaitMS /= float64(max(1, sum.Messages))
		sum.RoundTripMS /= float64(max(1, sum.Messages))
		all = append([]v1.Hour{sum}, all...)
	}
	return all
}

// draw makes the bars of a chart. What is not nothing is seen, however small it is.
func draw(c chart, steps []v1.Hour, of func(v1.Hour) float64, text func(float64) string) chart {
	most, at := 0.0, time.Time{}
	for _, h := range steps {
		if v := of(h); v > most {
			most, at = v, h.From
		}
	}
	for i, h := range steps {
		b := bar{X: i * barStep, Text: text(of(h))}
		if v := of(h); v > 0 {
			b.Height = max(2, int(math.Round(v/most*100)))
		}
		b.Y = 100 - b.Height
		c.Bars = append(c.Bars, b)
	}
	c.Most, c.Desc = text(most), "Nothing in this time."
	if most > 0 {
		c.Desc = fmt.Sprintf("At most %s, from %s; %s at last.", c.Most, when(at), c.Bars[len(c.Bars)-1].Text)
	}
	return c
}

// historyOne is the row of a history, whose key is ENVIRONMENT@HOURS.
func historyOne(ctx context.Context, c *client.Client, key string) (live.Row, error) {
	environment, hours, _ := strings.Cut(key, "@")
	h, err := loadHistory(ctx, c, environment, spanOf(hours))
	return rowOf(h, err, func(h history) line { return line{key, h.row()} })
}

// row has for each chart its bars' heights and texts, and what is said beside it.
func (h history) row() live.Row {
	row := live.Row{"times": strings.Join(h.Times, " ")}
	for _, c := range h.Charts {
		var heights, texts []string
		for _, b := range c.Bars {
			heights, texts = append(heights, strconv.Itoa(b.Height)), append(texts, b.Text)
		}
		row[c.Name], row[c.Name+"_heights"] = strings.Join(texts, "\n"), strings.Join(heights, " ")
		row[c.Name+"_most"], row[c.Name+"_desc"] = c.Most, c.Desc
	}
	return row
}
