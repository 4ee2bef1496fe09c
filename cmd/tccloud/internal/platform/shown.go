package platform

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Metric is what an App counts in an Environment, as operators see it.
type Metric struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Type        string        `json:"type"` // how the values of a period become one: Sum, Count, Min, Max, First, Last, Average
	Interval    string        `json:"interval"`
	Values      []MetricValue `json:"values"` // newest period first
}

// MetricValue is that of one period, and of one key where the metric has keys.
type MetricValue struct {
	Period time.Time `json:"period"` // its beginning
	Key    string    `json:"key,omitempty"`
	Value  float64   `json:"value"`
	Count  int       `json:"count"` // of the values that came
}

// MetricsOf returns the metrics of an App in an Environment by name. App is the name of its packages.
func (p *Platform) MetricsOf(ctx context.Context, environment, app string) ([]Metric, error) {
	list, _, err := p.load(ctx, metricsKey(environment, app))
	if err != nil {
		return nil, err
	}
	shown := []Metric{}
	for _, m := range list {
		s := Metric{Name: m.Name, Description: m.Description, Type: m.DataType, Interval: m.Interval, Values: []MetricValue{}}
		for at, v := range m.Values {
			period, key, _ := strings.Cut(at, " ")
			begin, _ := time.Parse(time.RFC3339, period) // an App may have said a year that no calendar has
			s.Values = append(s.Values, MetricValue{begin, key, of[m.DataType](v), v.Count})
		}
		slices.SortFunc(s.Values, func(a, b MetricValue) int {
			return cmp.Or(b.Period.Compare(a.Period), strings.Compare(a.Key, b.Key))
		})
		shown = append(shown, s)
	}
	slices.SortFunc(shown, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	return shown, nil
}
