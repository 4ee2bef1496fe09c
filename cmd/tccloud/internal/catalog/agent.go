package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// Prefix is where the agents' endpoints live.
const Prefix = "/api/internal/envsvr/"

// AgentHandler serves agents; mount it at Prefix.
func (c *Catalog) AgentHandler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request, wire.ServerXID) error{
		"GET " + Prefix + "server":                                    c.serveServer,
		"GET " + Prefix + "apps/{sha}":                                c.serveApp,
		"GET " + Prefix + "apps/{sha}/signature":                      c.serveSignature,
		"GET " + Prefix + "orders/{order}/{attempt}/params":           c.serveParams,
		"HEAD " + Prefix + "orders/{order}/{attempt}/files/{name...}": c.serveHeld,
		"PUT " + Prefix + "orders/{order}/{attempt}/files/{name...}":  c.serveUpload,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			xid, err := c.authenticate(r)
			if err == nil {
				err = serve(w, r, xid)
			}
			if err != nil {
				c.fail(w, r, xid, err)
			}
		})
	}
	return mux
}

// authenticate returns the server that the request's appDeliveryToken belongs to.
func (c *Catalog) authenticate(r *http.Request) (wire.ServerXID, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", &registry.Denied{Code: wire.CodeBadToken, Message: "no appDeliveryToken was shown"}
	}
	return c.servers.Deliver(token)
}

// serveServer answers with the server that the token belongs to, so that a host that enrolls sees
// that it works.
func (c *Catalog) serveServer(w http.ResponseWriter, r *http.Request, xid wire.ServerXID) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(map[string]wire.ServerXID{"server_xid": xid})
}

func (c *Catalog) serveApp(w http.ResponseWriter, r *http.Request, xid wire.ServerXID) error {
	sha := wire.SHA256(r.PathValue("sha"))
	f, err := c.blobs.Open(r.Context(), sha)
	if err != nil {
		return err
	}
	defer f.Close()
	c.log.Debug("app download", "server", xid, "sha256", sha, "range", r.Header.Get("Range"))
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("ETag", `"`+string(sha)+`"`)
	out := pace.NewWriter(w)
	defer out.End()
	http.ServeContent(out, r, "", time.Time{}, f)
	return nil
}

func (c *Catalog) serveParams(w http.ResponseWriter, r *http.Request, xid wire.ServerXID) error {
	ref, err := c.owned(r, xid)
	if err != nil {
		return err
	}
	params, err := c.orders.Params(r.Context(), ref.Order, ref.Attempt)
	if err != nil { // if the order has just ended, the next try gets 410
		return fmt.Errorf("reading the parameters of %s: %w", ref, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(params)
}

func (c *Catalog) serveHeld(w http.ResponseWriter, r *http.Request, xid wire.ServerXID) error {
	ref, err := c.owned(r, xid)
	if err != nil {
		return err
	}
	held, err := c.uploads.Held(r.Context(), upload.File{Ref: ref, Name: r.PathValue("name")})
	if err != nil {
		return err
	}
	setOffset(w, held)
	return nil
}

func (c *Catalog) serveUpload(w http.ResponseWriter, r *http.Request, xid wire.ServerXID) error {
	ref, err := c.owned(r, xid)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	offset, err1 := strconv.ParseInt(query.Get("offset"), 10, 64)
	size, err2 := strconv.ParseInt(query.Get("size"), 10, 64)
	if err1 != nil || err2 != nil || r.ContentLength > size-offset {
		return &badRequest{"offset and size do not describe the body"}
	}
	f := upload.File{Ref: ref, Name: r.PathValue("name")}
	whole := upload.Whole{Size: size, SHA256: wire.SHA256(query.Get("sha256"))}
	if err := c.room(2 * (size - offset)); err != nil { // it is written twice
		return fmt.Errorf("receiving %q: %w", f.Name, err)
	}
	body := pace.NewReader(w, r.Body)
	held, err := c.uploads.Put(r.Context(), f, offset, whole, body, body.Interrupt)
	setOffset(w, held)
	switch {
	case err != nil:
		return err
	case held < size:
		w.WriteHeader(http.StatusAccepted)
	default:
		c.log.Info("file received", "order", ref.Order, "attempt", ref.Attempt, "name", f.Name, "size", size)
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func setOffset(w http.ResponseWriter, held int64) {
	w.Header().Set("Upload-Offset", strconv.FormatInt(held, 10))
}

// owned returns the attempt named in the path if it belongs to xid now.
func (c *Catalog) owned(r *http.Request, xid wire.ServerXID) (wire.Ref, error) {
	attempt, err := strconv.Atoi(r.PathValue("attempt"))
	ref := wire.Ref{Order: wire.OrderID(r.PathValue("order")), Attempt: wire.Attempt(attempt)}
	if err != nil || attempt < 1 || !ref.Order.Valid() {
		return ref, &badRequest{"order or attempt is not valid"}
	}
	owner, current, err := c.orders.Owner(r.Context(), ref.Order, ref.Attempt)
	switch {
	case err != nil: // also without a record: only a record with another attempt or an end tells that this one is over
		return ref, fmt.Errorf("looking for the owner of %s: %w", ref, err)
	case owner != xid || !current:
		return ref, errFenced
	}
	return ref, nil
}

var errFenced = errors.New("this attempt at the order is not this server's, or has ended")

type badRequest struct{ message string }

func (e *badRequest) Error() string { return e.message }

// fail answers with the status that the protocol defines for an error. The body is for people who
// look at the traffic.
func (c *Catalog) fail(w http.ResponseWriter, r *http.Request, xid wire.ServerXID, err error) {
	status, message := http.StatusServiceUnavailable, "the cloud's storage is not available" // the agent tries again
	denied, isDenied := errors.AsType[*registry.Denied](err)
	bad, isBad := errors.AsType[*badRequest](err)
	switch {
	case isDenied && denied.Code == wire.CodeBadToken:
		status, message = http.StatusUnauthorized, denied.Message
	case isDenied:
		status, message = http.StatusForbidden, denied.Error()
	case isBad:
		status, message = http.StatusBadRequest, bad.message
	case errors.Is(err, upload.ErrName):
		status, message = http.StatusBadRequest, err.Error()
	case errors.Is(err, upload.ErrOffset):
		status, message = http.StatusConflict, err.Error()
	case errors.Is(err, upload.ErrDigest):
		status, message = http.StatusUnprocessableEntity, err.Error()
	case errors.Is(err, upload.ErrLimit):
		status, message = http.StatusRequestEntityTooLarge, err.Error()
	case errors.Is(err, errFenced):
		status, message = http.StatusGone, err.Error()
	case errors.Is(err, errUnsigned):
		status, message = http.StatusNotFound, err.Error()
	case errors.Is(err, blob.ErrNotFound):
		status, message = http.StatusNotFound, "no App with this digest"
	case r.Context().Err() != nil:
		return // the agent hung up
	default:
		c.log.Error("request of an agent not served", "server", xid, "method", r.Method, "err", err)
	}
	http.Error(w, message, status)
}
