package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// Draft returns the order that a request would make, and submits nothing.
func (c *Client) Draft(ctx context.Context, q v1.NewExecution) (v1.Draft, error) {
	return send[v1.Draft](ctx, c, http.MethodPost, "drafts", q)
}

// ExecutionQuery selects executions; empty fields select all.
type ExecutionQuery struct {
	Environment  string
	State        wire.State // or "active" or "ended"
	App          string     // NAME or NAME@VERSION
	Server       string     // its XID or name
	Since, Until time.Time  // when created, without Until
	Text         string     // in the id, the App's or Job's name, the message or the reason
	Limit        int        // of one page, 1–1000; 0 = 100
	Cursor       string     // continues a list; "" = from the newest
}

// Executions returns a page of executions, newest first, and the cursor that continues the list, ""
// at its end. A page may be shorter than the limit, or empty, and not be the last.
func (c *Client) Executions(ctx context.Context, q ExecutionQuery) (page []v1.Execution, next string, err error) {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("environment", q.Environment)
	set("state", string(q.State))
	set("app", q.App)
	set("server", q.Server)
	set("q", q.Text)
	set("cursor", q.Cursor)
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if !q.Until.IsZero() {
		v.Set("until", q.Until.UTC().Format(time.RFC3339Nano))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	res, err := c.do(ctx, http.MethodGet, "executions?"+v.Encode(), nil)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		return nil, "", fmt.Errorf("reading the cloud's answer: %w", err)
	}
	return page, res.Header.Get(v1.HeaderNext), nil
}

// Execution returns one.
func (c *Client) Execution(ctx context.Context, id wire.OrderID) (v1.Execution, error) {
	return get[v1.Execution](ctx, c, path("executions", string(id)))
}

// Cancel asks to end one.
func (c *Client) Cancel(ctx context.Context, id wire.OrderID, reason string) (v1.Execution, error) {
	return send[v1.Execution](ctx, c, http.MethodPost, path("executions", string(id), "cancel"), v1.Cancel{Reason: reason})
}

// Outputs returns the Playbook variables that an execution wrote.
func (c *Client) Outputs(ctx context.Context, id wire.OrderID) (v1.Outputs, error) {
	return get[v1.Outputs](ctx, c, path("executions", string(id), "outputs"))
}

// Artifacts lists what the App of an execution handed to the platform.
func (c *Client) Artifacts(ctx context.Context, id wire.OrderID) ([]v1.Artifact, error) {
	return get[[]v1.Artifact](ctx, c, path("executions", string(id), "artifacts"))
}

// Requests lists what was passed on to the platform for an execution.
func (c *Client) Requests(ctx context.Context, id wire.OrderID) ([]v1.Request, error) {
	return get[[]v1.Request](ctx, c, path("executions", string(id), "requests"))
}

// Batch copies the content of a batch to w.
func (c *Client) Batch(ctx context.Context, id wire.OrderID, artifact int, w io.Writer) error {
	name := strconv.Itoa(artifact)
	return c.copy(ctx, path("executions", string(id), "artifacts", name), name, w)
}

// File copies a published file to w.
func (c *Client) File(ctx context.Context, id wire.OrderID, name string, w io.Writer) error {
	return c.copy(ctx, path("executions", string(id), "files", name), name, w)
}

// OpenFile opens a published file.
func (c *Client) OpenFile(ctx context.Context, id wire.OrderID, name string) (Download, error) {
	res, err := c.do(ctx, http.MethodGet, path("executions", string(id), "files", name), nil) //nolint:bodyclose // who has read the Download closes it
	if err != nil {
		return Download{}, err
	}
	return Download{res.Body, res.Header}, nil
}

func (c *Client) copy(ctx context.Context, path, name string, w io.Writer) error {
	res, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("receiving %q: %w", name, err)
	}
	return nil
}

// Watch yields an execution now and after each change, until it has ended. A connection that breaks
// is an error; ask again.
func (c *Client) Watch(ctx context.Context, id wire.OrderID) iter.Seq2[v1.Execution, error] {
	return func(yield func(v1.Execution, error) bool) {
		for line, err := range c.lines(ctx, path("executions", string(id), "watch")) {
			if err != nil {
				yield(v1.Execution{}, err)
				return
			}
			if line.Execution != nil && !yield(*line.Execution, nil) {
				return
			}
		}
	}
}

// LogQuery selects pieces of a log.
type LogQuery struct {
	Stream  wire.Stream  // "" = stdout, stderr and app as they came
	Attempt wire.Attempt // 0 = the current one
	Follow  bool
}

// Logs yields an execution's log from its beginning.
func (c *Client) Logs(ctx context.Context, id wire.OrderID, q LogQuery) iter.Seq2[v1.Chunk, error] {
	v := url.Values{"stream": {string(q.Stream)}, "follow": {strconv.FormatBool(q.Follow)}}
	if q.Attempt > 0 {
		v.Set("attempt", strconv.Itoa(int(q.Attempt)))
	}
	return func(yield func(v1.Chunk, error) bool) {
		for line, err := range c.lines(ctx, path("executions", string(id), "logs")+"?"+v.Encode()) {
			if err != nil {
				yield(v1.Chunk{}, err)
				return
			}
			if line.Chunk != nil && !yield(*line.Chunk, nil) {
				return
			}
		}
	}
}

// lines reads an answer that lasts.
func (c *Client) lines(ctx context.Context, path string) iter.Seq2[v1.Line, error] {
	return func(yield func(v1.Line, error) bool) {
		res, err := c.do(ctx, http.MethodGet, path, nil)
		if err != nil {
			yield(v1.Line{}, err)
			return
		}
		defer res.Body.Close()
		for d := json.NewDecoder(res.Body); ; {
			var line v1.Line
			err := d.Decode(&line)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil && ctx.Err() != nil:
				err = ctx.Err()
			case err != nil:
				err = fmt.Errorf("following the execution: %w: %w", ErrUnreachable, err)
			case line.Error != nil:
				err = line.Error
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}
