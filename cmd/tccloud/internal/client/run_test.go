package client_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v1.Failure{Error: &v1.Error{Status: status, Code: code, Message: code}})
}

// TestRunIsRepeatedUnderItsID: an order of whose acceptance nothing was heard is accepted once.
func TestRunIsRepeatedUnderItsID(t *testing.T) {
	t.Parallel()
	var accepted atomic.Value
	c := fake(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(map[string]any{"id": accepted.Load(), "state": "queued"})
			return
		}
		var q v1.NewExecution
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.ID == "" {
			t.Errorf("got %+v, %v", q, err)
		}
		switch n {
		case 1: // a store that has no leader
			refuse(w, http.StatusInternalServerError, v1.CodeInternal)
		case 2: // a gateway that dies after it has accepted the order
			accepted.Store(string(q.ID))
			panic(http.ErrAbortHandler)
		default:
			if string(q.ID) != accepted.Load() {
				t.Errorf("got %q, want %q", q.ID, accepted.Load())
			}
			refuse(w, http.StatusConflict, v1.CodeExists)
		}
	})
	e, err := c.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "App"})
	if err != nil || string(e.ID) != accepted.Load() {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestRunRefused: what certainly was not accepted is said at once.
func TestRunRefused(t *testing.T) {
	t.Parallel()
	c := fake(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n > 1 {
			t.Error("it was asked again")
		}
		refuse(w, http.StatusConflict, v1.CodeExists)
	})
	if _, err := c.Run(t.Context(), v1.NewExecution{ID: "mine"}); err == nil || strings.Contains(err.Error(), "may have been") {
		t.Errorf("got %v", err)
	}
	c = client.New(client.Config{URL: "https://127.0.0.1:1", Token: "t"})
	if _, err := c.Run(t.Context(), v1.NewExecution{}); err == nil || strings.Contains(err.Error(), "may have been") {
		t.Errorf("got %v", err)
	}
}
