package metadata

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"tcenvsvr/agent/logging/plain"
)

// HTTP is a Source at URL/NAME. Its client knows the proxy, the CAs and the credentials.
type HTTP struct {
	Client *http.Client
	URL    string // of the folder with the metadata
}

// timeout bounds the whole exchange for one file.
const timeout = 30 * time.Second

// Answered is the error of an answer that nobody wants. The server's own words are not among it: a
// status is shown on terminals.
func Answered(res *http.Response) error {
	return fmt.Errorf("the update server answered %s", status(res))
}

func status(res *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode)))
}

// BusyError is an answer that asks the client to come back later.
type BusyError struct {
	Status string
	After  time.Duration // 0 = the answer does not say when
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("the update server is busy: it answered %s", e.Status)
}

// Metadata implements [Source]. A store that may not be listed answers 403 for a missing file, as
// the next root usually is; 403 therefore means the same as 404.
func (h HTTP) Metadata(ctx context.Context, name string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(h.URL, "/")+"/"+name, nil)
	if err != nil {
		return nil, err
	}
	res, err := h.Client.Do(req)
	if err != nil {
		return nil, plain.WithoutURL(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusNotFound,
		res.StatusCode == http.StatusForbidden && strings.HasSuffix(name, ".root.json"):
		return nil, fmt.Errorf("the update server has no %s: %w", name, fs.ErrNotExist)
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		return nil, Busy(res)
	case res.StatusCode != http.StatusOK:
		return nil, Answered(res)
	}
	return bounded(res.Body, limit)
}

// Busy returns the BusyError of an answer, with its Retry-After of at most a day.
func Busy(res *http.Response) *BusyError {
	e := &BusyError{Status: status(res)}
	if after, err := time.ParseDuration(res.Header.Get("Retry-After") + "s"); err == nil && after > 0 {
		e.After = min(after, 24*time.Hour)
	}
	return e
}

// FS is a Source in a folder, such as that of an offline bundle.
type FS struct{ fs.FS }

// Metadata implements Source.
func (f FS) Metadata(_ context.Context, name string, limit int64) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	return bounded(file, limit)
}

func bounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	return data, err
}
