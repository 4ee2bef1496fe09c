package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/fault"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/access/password"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// endpoint answers a request of an operator. If it returns an error it has written nothing.
type endpoint func(w http.ResponseWriter, r *http.Request) error

func problem(status int, code, format string, args ...any) *v1.Error {
	return &v1.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// describe turns an error of the cloud's parts into an answer. An unexpected error is an internal
// one and is not quoted.
func describe(err error) *v1.Error {
	if f, ok := errors.AsType[*v1.Error](err); ok {
		return f
	}
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	if taken, ok := errors.AsType[*registry.NameTaken](err); ok {
		return problem(http.StatusConflict, v1.CodeExists, "%v", err).
			Try("give another name; \"tccloud bundle %s --server %s\" makes another bundle for that server", taken.Environment, taken.XID)
	}
	switch {
	case is(registry.ErrNotFound):
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err).
			Try("\"tccloud env list\" shows the Environments, \"tccloud server list\" the servers with their XID")
	case is(catalog.ErrNotFound):
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err).Try("\"tccloud app list\" shows the Apps")
	case is(dispatch.ErrNotFound, api.ErrNotFound, fs.ErrNotExist):
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err)
	case is(registry.ErrExists, catalog.ErrExists, dispatch.ErrExists):
		return problem(http.StatusConflict, v1.CodeExists, "%v", err)
	case is(artifact.ErrNotFound):
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err).Try("\"tccloud execution artifact list ID\" shows them")
	case is(jobs.ErrNotFound):
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err).Try("\"tccloud job list\" shows the Jobs")
	case is(jobs.ErrExists):
		return problem(http.StatusConflict, v1.CodeExists, "%v", err).Try("\"tccloud job edit NAME\" changes it")
	case is(jobs.ErrRunning):
		return problem(http.StatusConflict, v1.CodeInUse, "%v", err).Try("\"tccloud execution cancel ID\" ends it")
	case is(access.ErrNotFound):
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err).Try("\"tccloud user list\" shows the users, \"tccloud token list\" the API tokens")
	case is(access.ErrExists):
		return problem(http.StatusConflict, v1.CodeExists, "%v", err).Try("\"tccloud user edit NAME\" changes a user")
	case is(access.ErrLastAdministrator):
		return problem(http.StatusConflict, v1.CodeInUse, "%v", err).Try("make another administrator first: tccloud user create NAME --role administrator")
	case is(access.ErrInvalid, password.ErrWeak, audit.ErrCursor):
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "%v", err)
	case is(password.ErrBusy):
		return problem(http.StatusTooManyRequests, v1.CodeBusy, "%v", err).Try("try again in a moment")
	case is(services.ErrNotFound):
		return problem(http.StatusNotFound, v1.CodeNotFound, "%v", err).Try("\"tccloud service list\" shows the services")
	case is(services.ErrExists):
		return problem(http.StatusConflict, v1.CodeExists, "%v", err).Try("\"tccloud service edit NAME\" changes it")
	case is(jobs.ErrInvalid, services.ErrInvalid):
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "%v", err)
	case is(dispatch.ErrCursor):
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "%v", err)
	case is(dispatch.ErrEnded):
		return problem(http.StatusConflict, v1.CodeEnded, "%v", err)
	case is(packages.ErrNotFound):
		return problem(http.StatusConflict, v1.CodeNoPackage, "%v", err).
			Try("\"tccloud release list\" shows the packages, \"tccloud release add FILE\" adds one; kind env needs none")
	case is(packages.ErrExists):
		return problem(http.StatusConflict, v1.CodeExists, "%v", err).Try("\"tccloud release rm NAME\" removes the other one")
	case is(packages.ErrInvalid):
		return problem(http.StatusUnprocessableEntity, v1.CodeBadRequest, "%v", err)
	case is(catalog.ErrSignature):
		return problem(http.StatusUnprocessableEntity, v1.CodeBadSignature, "%v", err).
			Try("\"tccloud app sign FILE.tcx --key KEY\" makes one")
	case is(catalog.ErrInvalid):
		f := problem(http.StatusUnprocessableEntity, v1.CodeInvalidApp, "%v", err)
		if cause, ok := errors.AsType[*fault.Error](err); ok {
			f.Code = cause.Code
		}
		return f
	case is(catalog.ErrRange, registry.ErrInvalid, releases.ErrInvalid, dispatch.ErrInvalid, api.ErrVariable, upload.ErrName):
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "%v", err)
	}
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(http.StatusRequestEntityTooLarge, v1.CodeTooLarge, "the body is larger than %d bytes", big.Limit)
	}
	return problem(http.StatusInternalServerError, v1.CodeInternal, "the cloud could not do this now").Try("its log says why")
}

func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client hung up
	}
	f := describe(err)
	if f.Status == http.StatusInternalServerError {
		if h := a.Health.Report(); h.State == health.Failed {
			f = unwell(v1.CodeUnwell, "the cloud could not do this now", h)
		}
		a.Logger.Error("request of an operator not served", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	answer(w, f.Status, v1.Failure{Error: f})
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // only a client that left makes it fail
}

// maxBody is enough for everything but an App: parameters may hold files.
const maxBody = 32 << 20

// read decodes a body strictly. Its errors do not quote the body, which may hold secrets.
func read(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	what := "it is not the JSON wanted here"
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		what = fmt.Sprintf("field %q has the wrong type, want %s", t.Field, t.Type)
	} else if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		what = fmt.Sprintf("unknown field %.60s", name)
	} else if errors.Is(err, io.EOF) {
		what = "it is empty"
	}
	return problem(http.StatusBadRequest, v1.CodeBadRequest, "reading the body: %s", what)
}

// transfer returns a body of at most limit bytes that may take long, for who spools and then stores it. One
// whose announced length is larger, or has no room on the disk, is refused before it is read.
func (a *API) transfer(w http.ResponseWriter, r *http.Request, limit int64) (io.Reader, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	if err := a.Room(2 * r.ContentLength); err != nil { // the length is -1 where it is not known
		return nil, problem(http.StatusInsufficientStorage, v1.CodeTooLarge,
			"nothing was taken: a file is spooled, then stored, and the cloud keeps a part of its disk free for results: %v", err).
			Try("\"tccloud release rm\" and \"tccloud app rm\" make room")
	}
	return pace.NewReader(w, http.MaxBytesReader(w, r.Body, limit)), nil
}

// flag reads a boolean of the query.
func flag(r *http.Request, name string) bool {
	v := r.URL.Query().Get(name)
	return v == "1" || v == "true"
}
