package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counted is a body that is being read until it is closed.
type counted struct {
	*io.PipeReader
	reading *atomic.Int32
	once    bool
}

func (c *counted) Read(p []byte) (int, error) {
	if !c.once {
		c.once = true
		c.reading.Add(1)
	}
	return c.PipeReader.Read(p)
}

// TestFewLargeValuesAtOnce: an App that sends many large values at the same time makes the server
// read a few of them at a time, and all in the end; others do not wait for it.
func TestFewLargeValuesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		h := Handler(Config{Store: m})
		const many = 3 * atOnce
		var reading, stored atomic.Int32
		var writers []*io.PipeWriter
		send := func(id string) {
			token, _ := m.Issue(id, id, nil, time.Hour)
			r, w := io.Pipe()
			writers = append(writers, w)
			req := httptest.NewRequest(http.MethodPut, "/internal/playbooks/keyValue/k", &counted{PipeReader: r, reading: &reading})
			req.Header.Set("Authorization", "TC-Token "+token)
			go func() {
				res := httptest.NewRecorder()
				if h.ServeHTTP(res, req); res.Code == http.StatusOK {
					stored.Add(1)
				}
			}()
		}
		for range many {
			send("greedy")
		}
		synctest.Wait()
		if n := reading.Load(); n != atOnce {
			t.Errorf("%d bodies are being read, want %d", n, atOnce)
		}
		send("another")
		synctest.Wait()
		if n := reading.Load(); n != atOnce+1 {
			t.Errorf("another execution waits: %d are being read", n)
		}
		for _, w := range writers {
			_ = w.Close()
		}
		synctest.Wait()
		if n := stored.Load(); n != many+1 {
			t.Errorf("%d of %d were stored", n, many+1)
		}
		if n := len(h.(*handler).turns.of); n != 0 {
			t.Errorf("%d executions are remembered", n)
		}
	})
}
