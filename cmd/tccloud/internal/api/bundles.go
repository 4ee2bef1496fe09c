package api

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"time"

	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/bundle"
)

// EnrollPath is where one-time links lead; a token follows.
const EnrollPath = "/enroll/"

// Bounds of a link's validity.
const (
	linkValid    = time.Hour
	maxLinkValid = 7 * 24 * time.Hour
)

// wanted reads what kind of bundle is asked for, for whom.
func wanted(w http.ResponseWriter, r *http.Request) (v1.NewBundle, registry.Request, bundle.Kind, error) {
	var q v1.NewBundle
	if err := read(w, r, &q); err != nil {
		return q, registry.Request{}, "", err
	}
	kind := bundle.Kind(q.Kind)
	if q.Kind == "" {
		kind = bundle.All
	}
	if err := kind.Check(); errors.Is(err, bundle.ErrNoPackage) {
		return q, registry.Request{}, "", err
	} else if err != nil {
		return q, registry.Request{}, "", problem(http.StatusBadRequest, v1.CodeBadRequest, "%v", err)
	}
	return q, registry.Request{
		Environment: r.PathValue("name"), Server: q.Server, Name: q.Name,
		KeepKey: kind == bundle.EnvOnly && q.Server != "",
	}, kind, nil
}

func (a *API) bundle(w http.ResponseWriter, r *http.Request) error {
	_, q, kind, err := wanted(w, r)
	if err != nil {
		return err
	}
	data, xid, err := a.makeBundle(r.Context(), q, kind)
	if err != nil {
		return err
	}
	sendBundle(w, data, xid)
	return nil
}

// makeBundle issues an identity and packs it.
func (a *API) makeBundle(ctx context.Context, q registry.Request, kind bundle.Kind) ([]byte, wire.ServerXID, error) {
	issued, err := a.Registry.Issue(ctx, q)
	if err != nil {
		return nil, "", err
	}
	cas := slices.Clone(a.Server.Issuers())
	if ca := a.Registry.Authority().Certificate(); !slices.ContainsFunc(cas, ca.Equal) {
		cas = append(cas, ca)
	}
	data, err := bundle.Build(bundle.Content{Kind: kind, Identity: issued, APIURL: a.APIURL, BrokerHost: a.BrokerHost, CAs: cas})
	if err != nil {
		return nil, "", err
	}
	a.Logger.Info("bundle made", "environment", issued.Environment, "server", issued.XID, "name", issued.Name, "kind", kind, "reissued", q.Server != "")
	return data, issued.XID, nil
}

func sendBundle(w http.ResponseWriter, data []byte, xid wire.ServerXID) {
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="threatconnect-envsvr-bundle.zip"`)
	h.Set("Cache-Control", "no-store")
	h.Set("Server-Xid", string(xid))
	_, _ = w.Write(data) // a client that left gets nothing
}

// link makes a link that gives one bundle to whoever has it first.
func (a *API) link(w http.ResponseWriter, r *http.Request) error {
	q, request, kind, err := wanted(w, r)
	if err != nil {
		return err
	}
	valid := time.Duration(q.ValidSeconds) * time.Second
	switch {
	case valid == 0:
		valid = linkValid
	case valid < 0 || valid > maxLinkValid:
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "a link is valid for up to %s, not %s", maxLinkValid, valid)
	}
	token, expires, err := a.Registry.NewLink(r.Context(), request, string(kind), valid)
	if err != nil {
		return err
	}
	a.Logger.Info("enrolment link made", "environment", request.Environment, "name", request.Name, "kind", kind, "expires", expires)
	pin := a.Server.Pin()
	answer(w, http.StatusCreated, v1.Link{URL: a.APIURL + EnrollPath + token + "#sha256=" + hex.EncodeToString(pin[:]), Expires: expires})
	return nil
}

// redeem gives the bundle of a link. It is a POST, so that nothing that
// looks at links ahead of people uses one up.
func (a *API) redeem(w http.ResponseWriter, r *http.Request) {
	request, kind, err := a.Registry.UseLink(r.Context(), r.PathValue("token"))
	var data []byte
	var xid wire.ServerXID
	if err == nil {
		data, xid, err = a.makeBundle(r.Context(), request, bundle.Kind(kind))
	}
	switch {
	case errors.Is(err, registry.ErrLink):
		http.Error(w, registry.ErrLink.Error(), http.StatusGone)
	case err != nil:
		a.Logger.Error("enrolment link was not redeemed", "err", err)
		http.Error(w, "the cloud could not make the bundle; see its log", http.StatusInternalServerError)
	default:
		sendBundle(w, data, xid)
	}
}
