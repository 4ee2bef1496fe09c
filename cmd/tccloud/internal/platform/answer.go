package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/batch"
	"tcenvsvr/cmd/tccloud/internal/platform/datastore"
)

// problem is an answer for the App; its text holds nothing of the request but names.
type problem struct {
	status  int
	message string
	invalid bool // in the form that failures of batch jobs have
}

func (e *problem) Error() string { return e.message }

func failure(status int, format string, args ...any) *problem {
	return &problem{status: status, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, args...), true}
}

// fail answers with the status that belongs to err. Only unexpected errors are logged: an App's
// mistakes are the App's business.
func (p *Platform) fail(w http.ResponseWriter, r *http.Request, err error) {
	known, ok := errors.AsType[*problem](err)
	switch {
	case ok:
	case errors.Is(err, artifact.ErrNotFound), errors.Is(err, datastore.ErrNotFound):
		known = failure(http.StatusNotFound, "%v", err)
	case errors.Is(err, batch.ErrSettings):
		known = failure(http.StatusBadRequest, "%v", err)
	case errors.Is(err, artifact.ErrCompleted):
		known = invalid("Batch is in %s state", artifact.Completed)
	case errors.Is(err, artifact.ErrLimit), errors.Is(err, datastore.ErrFull), errors.Is(err, datastore.ErrTooLarge):
		known = failure(http.StatusRequestEntityTooLarge, "%v", err)
	case r.Context().Err() != nil:
		return // the App hung up
	default:
		p.Logger.Error("request of an App to its platform not served", "method", r.Method, "err", err)
		known = failure(http.StatusServiceUnavailable, "the store is not available")
	}
	if known.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if known.invalid {
		answer(w, known.status, map[string]string{"status": "Invalid", "description": known.message})
		return
	}
	answer(w, known.status, map[string]string{"status": "Failure", "message": known.message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // only an App that left makes it fail
}

// success answers in the form of version 2.
func (c *call) success(data map[string]any) error {
	answer(c.w, http.StatusOK, map[string]any{"status": "Success", "data": data})
	return nil
}

// maxBody is enough for all but batches, records and notifications.
const maxBody = 64 << 10

// body reads a body of at most limit bytes.
func (c *call) body(limit int64) ([]byte, error) {
	large := failure(http.StatusRequestEntityTooLarge, "the body is too large: at most %d bytes are taken", limit)
	if c.ContentLength > limit {
		return nil, large
	}
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, large
	}
	if err != nil {
		return nil, brokeOff()
	}
	return data, nil
}

func brokeOff() error { return failure(http.StatusBadRequest, "the body broke off") }

// read decodes a small body.
func (c *call) read(limit int64, v any) error {
	data, err := c.body(limit)
	if err != nil {
		return err
	}
	if json.Unmarshal(data, v) != nil {
		return failure(http.StatusBadRequest, "the body is not the JSON wanted here")
	}
	return nil
}

// Limits of a page.
const (
	usualPage   = 100
	largestPage = 10_000
)

// page returns what a request wants to see of a list.
func page[T any](c *call, all []T) ([]T, error) {
	start, err1 := c.number("resultStart", 0, len(all)*2+largestPage)
	limit, err2 := c.number("resultLimit", usualPage, largestPage)
	if err := errors.Join(err1, err2); err != nil {
		return nil, failure(http.StatusBadRequest, "%v", err)
	}
	part := all[min(start, len(all)):]
	return append([]T{}, part[:min(limit, len(part))]...), nil
}

// number reads a number of the query; more than most is most.
func (c *call) number(name string, usual, most int) (int, error) {
	text := c.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is not a number", name)
	}
	return min(n, most), nil
}

// transfer is a body that may take long, but neither stand still nor go on for ever.
func (c *call) transfer(most time.Duration) io.Reader {
	body := pace.NewReader(c.w, c.Body)
	return &until{body, time.Now().Add(most)}
}

// until is a reader that fails after a time.
type until struct {
	io.Reader
	end time.Time
}

func (u *until) Read(p []byte) (int, error) {
	if time.Now().After(u.end) {
		return 0, os.ErrDeadlineExceeded
	}
	return u.Reader.Read(p)
}
