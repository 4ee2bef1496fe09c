package console_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// administratorPages are those of everyPage that others are refused.
var administratorPages = []string{"servers/away", "servers/away?days=7", "users", "users/ann", "users/zoe", "audit", "release-rollout", "release-rollout?of=fast", "release-choice", "release-choice?for=environment%3Aproduction"}

// secret is what the fake API makes: it is to be shown once.
const secret = "https://cloud.example/console/link/once-" + hostile

// people answers for users and API tokens, and reports whether the path is of them.
func (f *fakeAPI) people(w http.ResponseWriter, r *http.Request, kind, name string) bool {
	name, verb, _ := strings.Cut(name, "/")
	switch {
	case kind == "users" && name == "" && r.Method == http.MethodGet:
		send(w, users())
	case kind == "users" && name == "":
		var q v1.NewUser
		_ = json.NewDecoder(r.Body).Decode(&q)
		if q.Name == "ann" {
			refuse(w, http.StatusConflict, v1.CodeExists, "user "+hostile+" exists")
			break
		}
		send(w, v1.User{Name: q.Name, Role: q.Role})
	case kind == "users" && verb == "link":
		send(w, v1.Link{URL: secret, Expires: time.Now().Add(access.LinkLife)})
	case kind == "users":
		for _, u := range users() {
			if u.Name == name {
				send(w, u)
				return true
			}
		}
		refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no user "+name)
	case kind == "tokens" && r.Method == http.MethodPost:
		_ = json.NewDecoder(r.Body).Decode(&f.token)
		send(w, v1.MadeAPIToken{APIToken: v1.APIToken{ID: "t9", Name: f.token.Name}, Secret: secret})
	case kind == "tokens" && r.Method == http.MethodGet:
		send(w, []v1.APIToken{
			{ID: "t1", Name: hostile, Role: access.Operator, Environments: []string{"lab", hostile}, By: hostile, Expires: time.Now().AddDate(0, 1, 0), Used: "2026-11-29"},
			{ID: "t2", Name: "old", Role: access.Viewer, By: "ann", Expires: time.Now().AddDate(0, 0, -1)},
		})
	case kind == "tokens":
		w.WriteHeader(http.StatusNoContent)
	default:
		return false
	}
	return true
}

func users() []v1.User {
	created := time.Now().AddDate(0, -1, 0)
	return []v1.User{
		{Name: "ann", Role: access.Administrator, Password: true, Created: created, SignedIn: time.Now()},
		{Name: hostile, Role: access.Operator, Created: created, Subject: &access.Subject{Issuer: hostile, ID: hostile}},
		{Name: "new", Role: access.Viewer, Created: created},
		{Name: "zoe", Role: access.Viewer, Password: true, Disabled: true, Created: created},
	}
}
