package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/pace"
)

// show returns an execution as operators see it.
func (a *API) show(ctx context.Context, e dispatch.Execution) v1.Execution {
	out := v1.Execution{
		ID: e.ID, Environment: e.Environment, App: e.App, Runtime: e.Runtime, State: e.State, Ended: e.Terminal(), Only: e.Only,
		Attempt: e.Attempt, Server: e.Server, Priority: e.Priority, Retryable: e.Retryable,
		TimeoutMS: e.Timeout.Milliseconds(), Limits: e.Limits, Params: e.ParamNames, Reason: e.Reason,
		Created: e.Created, Delivered: e.Delivered, Accepted: e.Accepted, Started: e.Started, EndedAt: e.Ended,
	}
	if s, err := a.Registry.Server(e.Server); err == nil {
		out.ServerName = s.Name
	}
	if s, err := signed.Parse(e.Signature); err == nil {
		out.SignedBy, out.SignedUntil = s.KeyID.String(), time.UnixMilli(s.NotAfter).UTC()
	}
	if e.Only != "" && e.State == wire.StateQueued {
		out.Waits = "for the one server that may take it"
		if s, err := a.Registry.Server(e.Only); err != nil {
			out.Waits += ", which is gone: cancel it"
		} else {
			out.Waits += ": " + s.Name
		}
	}
	if len(e.SealedTo) > 0 {
		for _, s := range a.Registry.Openers(e.Environment, e.SealedTo) {
			out.SealedTo = append(out.SealedTo, s.Name)
		}
		switch names := strings.Join(out.SealedTo, ", "); {
		case e.State != wire.StateQueued:
		case names == "":
			out.Waits = "for a server that opens its sealed parameters, and the Environment has none: cancel it and run it anew"
		default:
			out.Waits = "for a server that opens its sealed parameters and takes orders: " + names
		}
	}
	if r := e.Result; r != nil {
		out.ExitCode, out.Signal, out.Message, out.Error = &r.ExitCode, r.Signal, r.Message, r.Error
		out.Results, out.Files, out.Output = a.withoutSecrets(ctx, e.App.Name, e.App.Version, r.Results), r.Files, r.Output
		out.PrepareUS, out.RunMS = r.PrepareUS, r.RunMS
	}
	for _, p := range e.History {
		out.History = append(out.History, v1.Past(p))
	}
	return out
}

func orderID(r *http.Request) (wire.OrderID, error) {
	id := wire.OrderID(r.PathValue("id"))
	if !id.Valid() {
		return "", dispatch.ErrNotFound
	}
	return id, nil
}

func (a *API) find(r *http.Request) (dispatch.Execution, error) {
	id, err := orderID(r)
	if err != nil {
		return dispatch.Execution{}, err
	}
	return a.Dispatcher.Get(r.Context(), id)
}

func (a *API) execution(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, a.show(r.Context(), e))
	return nil
}

func (a *API) cancel(w http.ResponseWriter, r *http.Request) error {
	var q v1.Cancel
	if err := read(w, r, &q); err != nil {
		return err
	}
	if len(q.Reason) > 1024 {
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "the reason is longer than 1024 bytes")
	}
	id, err := orderID(r)
	if err != nil {
		return err
	}
	if err := a.Dispatcher.Cancel(r.Context(), id, q.Reason); err != nil {
		return err
	}
	a.Logger.Info("cancel asked for", "order", id)
	e, err := a.Dispatcher.Get(r.Context(), id)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, a.show(r.Context(), e))
	return nil
}

// outputs reads the Playbook variables that the order asked for.
func (a *API) outputs(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	out := v1.Outputs{}
	for _, name := range e.OutVariables {
		value, err := a.AppStore.Get(r.Context(), e.KVContext, name)
		if errors.Is(err, api.ErrNotFound) {
			continue // the App did not write it
		}
		if err != nil {
			return err
		}
		if !json.Valid(value) { // raw bytes are a valid value, too
			if value, err = json.Marshal(string(value)); err != nil {
				return err
			}
		}
		out[name] = value
	}
	answer(w, http.StatusOK, out)
	return nil
}

// file sends a published file of the attempt that ended the order.
func (a *API) file(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	f, whole, err := a.Uploads.Get(r.Context(), upload.File{Ref: e.Ref(), Name: r.PathValue("name")})
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(whole.Size, 10))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Sha256", string(whole.SHA256))
	out := pace.NewWriter(w)
	defer out.End()
	if _, err := io.Copy(out, f); err != nil {
		// The length was sent before, so the connection must not look complete.
		a.Logger.Warn("published file not sent", "order", e.ID, "err", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}
