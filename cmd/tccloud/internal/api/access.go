package api

import (
	"net/http"
	"strconv"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

func (a *API) users(w http.ResponseWriter, _ *http.Request) error {
	answer(w, http.StatusOK, a.Users.List())
	return nil
}

func (a *API) user(w http.ResponseWriter, r *http.Request) error {
	u, err := a.Users.User(r.PathValue("name"))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, u)
	return nil
}

func (a *API) createUser(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewUser
	if err := read(w, r, &q); err != nil {
		return err
	}
	u, err := a.Users.Create(r.Context(), access.NewUser(q))
	if err != nil {
		return err
	}
	a.Logger.Info("user created", "user", u.Name, "role", u.Role)
	answer(w, http.StatusCreated, u)
	return nil
}

func (a *API) changeUser(w http.ResponseWriter, r *http.Request) error {
	var q v1.ChangeUser
	if err := read(w, r, &q); err != nil {
		return err
	}
	u, err := a.Users.Change(r.Context(), r.PathValue("name"), access.Change(q))
	if err != nil {
		return err
	}
	a.Logger.Info("user changed", "user", u.Name, "role", u.Role, "disabled", u.Disabled)
	answer(w, http.StatusOK, u)
	return nil
}

func (a *API) removeUser(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := a.Users.Remove(r.Context(), name); err != nil {
		return err
	}
	a.Logger.Info("user removed", "user", name)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// linkUser makes a link by which a user signs in once, and sets a password.
func (a *API) linkUser(w http.ResponseWriter, r *http.Request) error {
	secret, l, err := a.Users.NewLink(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	a.Logger.Info("one-time link made", "user", l.User, "expires", l.Expires)
	answer(w, http.StatusCreated, v1.Link{URL: a.APIURL + access.LinkPath + secret, Expires: l.Expires})
	return nil
}

func (a *API) tokens(w http.ResponseWriter, _ *http.Request) error {
	answer(w, http.StatusOK, a.Users.Tokens())
	return nil
}

func (a *API) createToken(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewAPIToken
	if err := read(w, r, &q); err != nil {
		return err
	}
	for _, e := range q.Environments {
		if _, err := a.Registry.Environment(e); err != nil {
			return err
		}
	}
	valid, err := seconds(q.ValidSeconds)
	if err != nil {
		return err
	}
	by, _ := access.From(r.Context())
	t, secret, err := a.Users.NewToken(r.Context(), access.NewToken{Name: q.Name, Role: q.Role, Environments: q.Environments, Life: valid, By: by.Name})
	if err != nil {
		return err
	}
	a.Logger.Info("API token made", "token", t.ID, "name", t.Name, "role", t.Role, "environments", t.Environments, "expires", t.Expires)
	answer(w, http.StatusCreated, v1.MadeAPIToken{APIToken: t, Secret: secret})
	return nil
}

// seconds refuses a number that no duration is.
func seconds(n int64) (time.Duration, error) {
	if n < 0 || n > int64(access.MaxTokenLife/time.Second) {
		return 0, problem(http.StatusBadRequest, v1.CodeBadRequest, "valid_seconds is outside 0–%d", int64(access.MaxTokenLife/time.Second))
	}
	return time.Duration(n) * time.Second, nil
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) error {
	t, err := a.Users.Revoke(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	a.Logger.Info("API token revoked", "token", t.ID, "name", t.Name)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mostEntries bounds a page of the audit log.
const mostEntries = 1000

func (a *API) auditLog(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	n := 100
	if given := query.Get("limit"); given != "" {
		var err error
		if n, err = strconv.Atoi(given); err != nil || n < 1 || n > mostEntries {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "limit %.20q is outside 1–%d", given, mostEntries)
		}
	}
	list, err := a.Audit.List(r.Context(), query.Get("before"), n)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}
