package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"time"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/bundle"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
)

// EnrollPath is the path of one-time links; a token follows it.
const EnrollPath = "/enroll/"

// Bounds of a link's validity.
const (
	linkValid    = time.Hour
	maxLinkValid = 7 * 24 * time.Hour
)

// bundleRequest is what a bundle shall hold; a link stores it.
type bundleRequest struct {
	Kind    bundle.Kind     `json:"kind"`
	Package packages.Wanted `json:"package"`
}

// parseBundleRequest reads which bundle an operator asks for, and for which server.
func (a *API) parseBundleRequest(w http.ResponseWriter, r *http.Request) (v1.NewBundle, registry.Request, bundleRequest, error) {
	var q v1.NewBundle
	if err := read(w, r, &q); err != nil {
		return q, registry.Request{}, bundleRequest{}, err
	}
	if q.Server != "" { // it moves to the Environment of its new bundle
		if s, err := a.Registry.Server(q.Server); err != nil || !sees(r.Context(), s.Environment) {
			return q, registry.Request{}, bundleRequest{}, fmt.Errorf("server %.70q: %w", string(q.Server), registry.ErrNotFound)
		}
	}
	want := bundleRequest{bundle.Kind(q.Kind), q.Wanted}
	if err := errors.Join(want.Kind.Check(), want.Package.Check()); err != nil {
		return q, registry.Request{}, bundleRequest{}, problem(http.StatusBadRequest, v1.CodeBadRequest, "%v", err)
	}
	return q, registry.Request{
		Environment: r.PathValue("name"), Server: q.Server, Name: q.Name,
		KeepKey: want.Kind == bundle.EnvOnly && q.Server != "",
	}, want, nil
}

func (a *API) bundle(w http.ResponseWriter, r *http.Request) error {
	_, q, want, err := a.parseBundleRequest(w, r)
	if err != nil {
		return err
	}
	p, content, err := a.findPackage(r.Context(), want)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // nil without one
	if want.Kind == bundle.ServerOnly {
		if _, err := a.Registry.Environment(q.Environment); err != nil {
			return err
		}
		a.send(w, v1.Made{Package: p.Name}, p.Name, "application/octet-stream", func(w *pace.Writer) error {
			_, err := content.WriteTo(w)
			return err
		})
		return nil
	}
	b, made, err := a.makeBundle(r.Context(), q, want, p, content)
	if err != nil {
		return err
	}
	a.sendBundle(w, b, made)
	return nil
}

// findPackage opens the package that a bundle shall have, or returns a nil file if it needs none.
// It is called before an identity is issued, because the package may be missing.
func (a *API) findPackage(ctx context.Context, want bundleRequest) (packages.Package, *os.File, error) {
	if want.Kind == bundle.EnvOnly {
		return packages.Package{}, nil, nil
	}
	p, err := a.Packages.Find(ctx, want.Package)
	if errors.Is(err, packages.ErrNotFound) && want.Kind == bundle.Any && want.Package == (packages.Wanted{}) {
		return packages.Package{}, nil, nil
	}
	if err != nil {
		return p, nil, err
	}
	content, err := a.Packages.Open(ctx, p)
	return p, content, err
}

// makeBundle issues an identity and makes its bundle.
func (a *API) makeBundle(ctx context.Context, q registry.Request, want bundleRequest, p packages.Package, content *os.File) (*bundle.Bundle, v1.Made, error) {
	issued, err := a.Registry.Issue(ctx, q)
	if err != nil {
		return nil, v1.Made{}, err
	}
	cas := slices.Clone(a.Server.Issuers())
	if ca := a.Registry.Authority().Certificate(); !slices.ContainsFunc(cas, ca.Equal) {
		cas = append(cas, ca)
	}
	c := bundle.Content{Identity: issued, APIURL: a.APIURL, BrokerHost: a.BrokerHost(), CAs: cas}
	if content != nil {
		c.Package = &bundle.Package{Name: p.Name, System: p.System, SHA256: string(p.SHA256), Content: content}
	}
	b, err := bundle.Build(c)
	if err != nil {
		return nil, v1.Made{}, err
	}
	a.Logger.Info("bundle made", "environment", issued.Environment, "server", issued.XID, "name", issued.Name, "kind", want.Kind, "package", p.Name, "reissued", q.Server != "")
	return b, v1.Made{Server: issued.XID, Package: p.Name}, nil
}

func (a *API) sendBundle(w http.ResponseWriter, b *bundle.Bundle, made v1.Made) {
	kind := "application/zip"
	if path.Ext(b.Name) != ".zip" {
		kind = "text/plain; charset=utf-8"
	}
	a.send(w, made, b.Name, kind, func(w *pace.Writer) error { return b.Write(w) })
}

// send answers with a file. If that fails midway the connection is broken, so that the file does
// not look complete.
func (a *API) send(w http.ResponseWriter, made v1.Made, name, kind string, write func(*pace.Writer) error) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set(v1.HeaderServer, string(made.Server))
	h.Set(v1.HeaderPackage, made.Package)
	out := pace.NewWriter(w)
	defer out.End()
	if err := write(out); err != nil {
		a.Logger.Warn("bundle not sent to its end", "server", made.Server, "package", made.Package, "err", err)
		panic(http.ErrAbortHandler)
	}
}

// link makes a link that gives one bundle, to the first host that uses it.
func (a *API) link(w http.ResponseWriter, r *http.Request) error {
	q, request, want, err := a.parseBundleRequest(w, r)
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
	switch want.Kind {
	case bundle.ServerOnly:
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "a link enrolls a server, and the package alone has nothing to enroll by").Try("use kind all or env, or download the package")
	case bundle.Any:
		want.Kind = bundle.EnvOnly // a host that enrolls by a link has the program already
		if want.Package != (packages.Wanted{}) {
			want.Kind = bundle.All
		}
	}
	if want.Kind == bundle.All {
		if _, err := a.Packages.Find(r.Context(), want.Package); err != nil {
			return err
		}
	}
	token, expires, err := a.Registry.NewLink(r.Context(), request, want, valid)
	if err != nil {
		return err
	}
	a.Logger.Info("enrollment link made", "environment", request.Environment, "name", request.Name, "kind", want.Kind, "expires", expires)
	pin := a.Server.Pin()
	answer(w, http.StatusCreated, v1.Link{URL: a.APIURL + EnrollPath + token + "#sha256=" + hex.EncodeToString(pin[:]), Expires: expires})
	return nil
}

// redeem answers with the bundle of a link. It is a POST, so that programs that preview links do
// not use it up.
func (a *API) redeem(w http.ResponseWriter, r *http.Request) {
	var want bundleRequest
	request, err := a.Registry.UseLink(r.Context(), r.PathValue("token"), &want)
	var b *bundle.Bundle
	var made v1.Made
	if err == nil {
		p, content, missing := a.findPackage(r.Context(), want)
		if missing != nil { // the link is used up now: the identity is given without the package
			a.Logger.Warn("enrollment link redeemed without the package", "err", missing)
			p, content = packages.Package{}, nil
		}
		defer func() { _ = content.Close() }() // nil without one
		b, made, err = a.makeBundle(r.Context(), request, want, p, content)
		if _, taken := errors.AsType[*registry.NameTaken](err); taken { // since the link was made, which is used up now
			a.Logger.Warn("enrollment link redeemed without its name", "err", err)
			request.Name = ""
			b, made, err = a.makeBundle(r.Context(), request, want, p, content)
		}
	}
	switch {
	case errors.Is(err, registry.ErrLink):
		http.Error(w, registry.ErrLink.Error(), http.StatusGone)
	case err != nil:
		a.Logger.Error("enrollment link was not redeemed", "err", err)
		http.Error(w, "the cloud could not make the bundle; see its log", http.StatusInternalServerError)
	default:
		a.sendBundle(w, b, made)
	}
}

// addPackage stores an installation package for bundles.
func (a *API) addPackage(w http.ResponseWriter, r *http.Request) error {
	body, err := a.transfer(w, r, packages.MaxSize)
	if err != nil {
		return err
	}
	p, err := a.Packages.Add(r.Context(), r.PathValue("name"), body)
	if err != nil {
		return err
	}
	a.Logger.Info("package added", "package", p.Name, "version", p.Version, "sha256", p.SHA256, "signed", p.Signed)
	answer(w, http.StatusCreated, p)
	return nil
}

func (a *API) removePackage(w http.ResponseWriter, r *http.Request) error {
	err := a.Packages.Remove(r.Context(), r.PathValue("name"))
	if errors.Is(err, packages.ErrNotFound) {
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err).Try("\"tccloud release list\" shows the packages")
	}
	if err != nil {
		return err
	}
	a.Logger.Info("package removed", "package", r.PathValue("name"))
	w.WriteHeader(http.StatusNoContent)
	return nil
}
