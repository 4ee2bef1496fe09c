package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// How often and for how long an order is handed in again whose fate is not known: a gateway that died in
// between, or a store that elects a leader, is back or replaced by then.
const (
	submitAgain  = time.Second
	submitWithin = 20 * time.Second
)

// Run submits an order, with an id of its own where it has none and none was signed. What may have been
// accepted is handed in again under that id, which the cloud takes once.
func (c *Client) Run(ctx context.Context, q v1.NewExecution) (v1.Execution, error) {
	if q.ID == "" && q.Signature == "" && q.Draft == "" {
		id, err := uuid.NewV7() // sorts by time
		if err != nil {
			return v1.Execution{}, fmt.Errorf("making an order's id: %w", err)
		}
		q.ID = wire.OrderID(id.String())
	}
	for began, again := time.Now(), false; ; again = true {
		var e v1.Execution
		err := c.call(ctx, http.MethodPost, "executions", q, &e)
		if f, ok := errors.AsType[*v1.Error](err); ok && f.Code == v1.CodeExists && again {
			return c.Execution(ctx, q.ID) // an earlier one of ours was accepted
		}
		if err == nil || !unclear(err) {
			return e, err
		}
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(submitAgain):
			if time.Since(began) < submitWithin {
				continue
			}
		}
		return e, fmt.Errorf("submitting order %s, which may have been accepted (\"tccloud execution show %s\" tells): %w", q.ID, q.ID, err)
	}
}

// unclear reports whether an order may have been accepted although there is an error.
func unclear(err error) bool {
	if f, ok := errors.AsType[*v1.Error](err); ok {
		return f.Status == http.StatusInternalServerError || f.Status == http.StatusBadGateway || f.Status == http.StatusGatewayTimeout
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	return errors.Is(err, ErrUnreachable)
}
