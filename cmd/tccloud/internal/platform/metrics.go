package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// MetricsBucket is the name of the bucket: a value for each App in each Environment, with all its
// metrics.
const MetricsBucket = "custom_metrics"

// Limits of one App's metrics.
const (
	maxMetrics = 50  // TcEx looks at no more
	maxValues  = 100 // periods and keys of one metric; the oldest go
	maxKey     = 128
	maxNumber  = 1e15
	maxStored  = 512 << 10 // bytes of all, below the message limit of an external NATS
)

// metric is one metric with its values.
type metric struct {
	ID          int    `json:"id"`
	Name        string `json:"name"`
	DataType    string `json:"dataType"`
	Interval    string `json:"interval"`
	Keyed       bool   `json:"keyedValues"`
	Description string `json:"description,omitempty"`

	Values map[string]value `json:"values,omitempty"` // by period and key
}

// value is what was added in one period for one key.
type value struct {
	Sum      float64 `json:"sum"`
	Weighted float64 `json:"weighted"` // sum, for an average by Weight
	Weight   float64 `json:"weight"`
	Count    int     `json:"count"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	First    float64 `json:"first"`
	Last     float64 `json:"last"`
}

// of reads a value as its metric's type has it.
var of = map[string]func(v value) float64{
	"Sum":     func(v value) float64 { return v.Sum },
	"Count":   func(v value) float64 { return float64(v.Count) },
	"Min":     func(v value) float64 { return v.Min },
	"Max":     func(v value) float64 { return v.Max },
	"First":   func(v value) float64 { return v.First },
	"Last":    func(v value) float64 { return v.Last },
	"Average": func(v value) float64 { return v.Weighted / v.Weight },
}

// periods tell when the period begins that a time is in.
var periods = map[string]func(t time.Time) time.Time{
	"Hourly": func(t time.Time) time.Time { return t.Truncate(time.Hour) },
	"Daily":  func(t time.Time) time.Time { return day(t, t.Month(), t.Day()) },
	"Weekly": func(t time.Time) time.Time {
		return day(t, t.Month(), t.Day()-(int(t.Weekday())+6)%7)
	},
	"Monthly": func(t time.Time) time.Time { return day(t, t.Month(), 1) },
	"Yearly":  func(t time.Time) time.Time { return day(t, time.January, 1) },
}

func day(t time.Time, m time.Month, d int) time.Time {
	return time.Date(t.Year(), m, d, 0, 0, 0, 0, time.UTC)
}

// view is the metric as the platform shows it.
func (m metric) view() metric {
	m.Values = nil
	return m
}

func metricsKey(environment, app string) string {
	h := sha256.Sum256([]byte(environment + "\x00" + app))
	return hex.EncodeToString(h[:16])
}

func (p *Platform) load(ctx context.Context, key string) (list []metric, revision uint64, err error) {
	e, err := p.Metrics.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading metrics: %w", err)
	}
	if err := json.Unmarshal(e.Value(), &list); err != nil {
		return nil, 0, fmt.Errorf("reading metrics: %w", err)
	}
	return list, e.Revision(), nil
}

// change changes the metrics of the call's App. change may be called several times.
func (p *Platform) change(c *call, change func([]metric) ([]metric, error)) error {
	key := metricsKey(c.Environment, c.App.Name)
	if err := p.rent(c.Context(), tenant{Environment: c.Environment, Metrics: key}); err != nil {
		return err
	}
	for {
		list, revision, err := p.load(c.Context(), key)
		if err == nil {
			list, err = change(list)
		}
		if err != nil {
			return err
		}
		data, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if len(data) > maxStored {
			return failure(http.StatusRequestEntityTooLarge, "an App's metrics have at most %d bytes in all", maxStored)
		}
		if revision == 0 {
			_, err = p.Metrics.Create(c.Context(), key, data)
		} else {
			_, err = p.Metrics.Update(c.Context(), key, data, revision)
		}
		if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			continue // somebody else was faster
		}
		if err != nil {
			return fmt.Errorf("writing metrics: %w", err)
		}
		return nil
	}
}

func (p *Platform) metrics(c *call) error {
	if c.Method == http.MethodPost {
		return p.createMetric(c)
	}
	all, _, err := p.load(c.Context(), metricsKey(c.Environment, c.App.Name))
	if err != nil {
		return err
	}
	list, err := page(c, all)
	if err != nil {
		return err
	}
	for i := range list {
		list[i] = list[i].view()
	}
	return c.success(map[string]any{"resultCount": len(all), "customMetricConfig": list})
}

func (p *Platform) createMetric(c *call) error {
	var m metric
	if err := c.read(maxBody, &m); err != nil {
		return err
	}
	switch {
	case m.Name == "" || len(m.Name) > 45 || len(m.Description) > 500:
		return failure(http.StatusBadRequest, "name has 1 to 45 bytes, description at most 500")
	case of[m.DataType] == nil:
		return failure(http.StatusBadRequest, "dataType is one of %v", slices.Sorted(maps.Keys(of)))
	case periods[m.Interval] == nil:
		return failure(http.StatusBadRequest, "interval is one of %v", slices.Sorted(maps.Keys(periods)))
	}
	m.Values = nil
	err := p.change(c, func(list []metric) ([]metric, error) {
		m.ID = 1
		for _, other := range list {
			if other.Name == m.Name {
				return nil, failure(http.StatusBadRequest, "there is a metric of this name")
			}
			m.ID = max(m.ID, other.ID+1)
		}
		if len(list) >= maxMetrics {
			return nil, failure(http.StatusBadRequest, "an App has at most %d metrics", maxMetrics)
		}
		return append(list, m), nil
	})
	if err != nil {
		return err
	}
	answer(c.w, http.StatusCreated, map[string]any{"status": "Success", "data": map[string]any{"customMetricConfig": m}})
	return nil
}

// named finds a metric by its id or name.
func named(list []metric, name string) (int, error) {
	i := slices.IndexFunc(list, func(m metric) bool { return m.Name == name || strconv.Itoa(m.ID) == name })
	if i < 0 {
		return 0, failure(http.StatusNotFound, "there is no such metric")
	}
	return i, nil
}

func (p *Platform) metric(c *call) error {
	if c.Method == http.MethodDelete {
		err := p.change(c, func(list []metric) ([]metric, error) {
			i, err := named(list, c.rest[0])
			if err != nil {
				return nil, err
			}
			return slices.Delete(list, i, i+1), nil
		})
		if err == nil {
			answer(c.w, http.StatusOK, map[string]string{"status": "Success"})
		}
		return err
	}
	list, _, err := p.load(c.Context(), metricsKey(c.Environment, c.App.Name))
	if err != nil {
		return err
	}
	i, err := named(list, c.rest[0])
	if err != nil {
		return err
	}
	return c.success(map[string]any{"customMetricConfig": list[i].view()})
}

// addToMetric adds a value to a metric's period.
func (p *Platform) addToMetric(c *call) error {
	var q struct {
		Value  json.Number `json:"value"`
		Name   string      `json:"name"`
		Date   time.Time   `json:"date"`
		Weight float64     `json:"weight"`
	}
	if err := c.read(maxBody, &q); err != nil {
		return err
	}
	added, err := q.Value.Float64()
	if err != nil && q.Value != "" || math.Abs(added) > maxNumber || q.Weight < 0 || q.Weight > maxNumber || len(q.Name) > maxKey {
		return failure(http.StatusBadRequest, "value and weight are numbers up to %g, name has at most %d bytes", maxNumber, maxKey)
	}
	if q.Date.IsZero() {
		q.Date = time.Now()
	}
	if q.Weight == 0 {
		q.Weight = 1
	}
	var now float64
	var begin time.Time
	err = p.change(c, func(list []metric) ([]metric, error) {
		i, err := named(list, c.rest[0])
		if err != nil {
			return nil, err
		}
		m := &list[i]
		switch {
		case q.Value == "" && m.DataType != "Count":
			return nil, failure(http.StatusBadRequest, "value is missing")
		case m.Keyed == (q.Name == ""):
			return nil, failure(http.StatusBadRequest, "name is for keyed metrics, which need one")
		}
		begin = periods[m.Interval](q.Date.UTC())
		at := begin.Format(time.RFC3339) + " " + q.Name
		v := m.Values[at].add(added, q.Weight)
		if m.Values == nil {
			m.Values = map[string]value{}
		}
		m.Values[at] = v
		for keys := slices.Sorted(maps.Keys(m.Values)); len(keys) > maxValues; keys = keys[1:] {
			delete(m.Values, keys[0])
		}
		now = of[m.DataType](v)
		return list, nil
	})
	switch {
	case err != nil:
		return err
	case c.URL.Query().Get("returnValue") != "true":
		c.w.WriteHeader(http.StatusNoContent)
	default:
		answer(c.w, http.StatusOK, map[string]any{"value": now, "date": begin.Format(time.RFC3339)})
	}
	return nil
}

// add returns the value with one more.
func (v value) add(added, weight float64) value {
	if v.Count == 0 {
		v.Min, v.Max, v.First = added, added, added
	}
	v.Sum, v.Weighted, v.Weight, v.Count = v.Sum+added, v.Weighted+added*weight, v.Weight+weight, v.Count+1
	v.Min, v.Max, v.Last = min(v.Min, added), max(v.Max, added), added
	return v
}
