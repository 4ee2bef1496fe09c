package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// usersData is what the page of all users and API tokens shows.
type usersData struct {
	Users        []userLine
	Tokens       []tokenLine
	Roles        []access.Role
	Environments []string
	Days         int // that a token is good for, unless the form says something else
}

// userLine is one user.
type userLine struct {
	v1.User
	State, Words string // a colour and what it means
}

// tokenLine is one API token.
type tokenLine struct {
	v1.APIToken
	Expired bool
}

func loadUsers(q *request) (any, error) {
	users, err := q.cloud.Users(q.Context())
	if err != nil {
		return nil, err
	}
	tokens, err := q.cloud.APITokens(q.Context())
	if err != nil {
		return nil, err
	}
	environments, err := q.cloud.Environments(q.Context())
	if err != nil {
		return nil, err
	}
	d := usersData{Roles: access.Roles, Days: int(access.TokenLife / day)}
	for _, u := range users {
		d.Users = append(d.Users, lineOf(u))
	}
	for _, t := range tokens {
		d.Tokens = append(d.Tokens, tokenLine{t, !t.Expires.After(time.Now())})
	}
	for _, e := range environments {
		d.Environments = append(d.Environments, e.Name)
	}
	return d, nil
}

const day = 24 * time.Hour

func lineOf(u v1.User) userLine {
	switch {
	case u.Disabled:
		return userLine{u, "grey", "Disabled"}
	case u.Email != "" && !u.Password:
		return userLine{u, "yellow", "Has not signed in yet"}
	case !u.Password && u.Subject == nil:
		return userLine{u, "yellow", "Has no password yet"}
	}
	return userLine{u, "green", "Can sign in"}
}

// userData is what the page of one user shows.
type userData struct {
	userLine
	Roles []access.Role
	Own   bool // who looks at it
}

// Title implements titled.
func (d userData) Title() string { return d.Name }

func loadUser(q *request) (any, error) {
	u, err := q.cloud.User(q.Context(), q.PathValue("name"))
	return userData{lineOf(u), access.Roles, u.Name == q.user.Name}, err
}

func userPath(name string) string { return "users/" + url.PathEscape(name) }

// createUser makes the link too by which a new user comes in.
func createUser(q *request) (done, error) {
	u, err := q.cloud.CreateUser(q.Context(), v1.NewUser{Name: strings.TrimSpace(q.PostForm.Get("name")), Role: access.Role(q.PostForm.Get("role"))})
	if err != nil {
		return done{}, err
	}
	l, err := q.cloud.LinkUser(q.Context(), u.Name)
	if err != nil {
		return done{say: "User " + u.Name + " was created, but no link could be made. Make one here.", to: userPath(u.Name)}, nil
	}
	return done{say: "User " + u.Name + " was created. Give them this link: it signs in once, until " + when(l.Expires) + ".", once: l.URL, to: "users"}, nil
}

func linkUser(q *request) (done, error) {
	name := q.PathValue("name")
	l, err := q.cloud.LinkUser(q.Context(), name)
	if err != nil {
		return done{}, err
	}
	return done{say: "This link signs " + name + " in once, until " + when(l.Expires) + ", and lets them choose a password.", once: l.URL, to: userPath(name)}, nil
}

func changeRole(q *request) (done, error) {
	role := access.Role(q.PostForm.Get("role"))
	u, err := q.cloud.ChangeUser(q.Context(), q.PathValue("name"), v1.ChangeUser{Role: &role})
	if err != nil {
		return done{}, err
	}
	return done{say: u.Name + " has the role " + string(u.Role) + " now, and has to sign in again.", to: userPath(u.Name)}, nil
}

func setDisabled(disabled bool) func(*request) (done, error) {
	return func(q *request) (done, error) {
		u, err := q.cloud.ChangeUser(q.Context(), q.PathValue("name"), v1.ChangeUser{Disabled: &disabled})
		if err != nil {
			return done{}, err
		}
		say := u.Name + " can sign in again."
		if disabled {
			say = u.Name + " was signed out, and cannot sign in."
		}
		return done{say: say, to: userPath(u.Name)}, nil
	}
}

func removeUser(q *request) (done, error) {
	name := q.PathValue("name")
	if err := q.cloud.RemoveUser(q.Context(), name); err != nil {
		return done{}, err
	}
	return done{say: "User " + name + " was removed.", to: "users"}, nil
}

// createToken takes days, and the Environments that are checked; none are all.
func createToken(q *request) (done, error) {
	f := q.PostForm
	days, err := strconv.Atoi(f.Get("days"))
	if most := int(access.MaxTokenLife / day); err != nil || days < 1 || days > most {
		return done{}, &invalid{"a token is good for 1 to " + strconv.Itoa(most) + " days"}
	}
	t, err := q.cloud.CreateAPIToken(q.Context(), v1.NewAPIToken{
		Name: strings.TrimSpace(f.Get("name")), Role: access.Role(f.Get("role")), Environments: slices.Clone(f["environment"]),
		ValidSeconds: int64(days) * int64(day/time.Second),
	})
	if err != nil {
		return done{}, err
	}
	return done{say: "API token " + t.Name + " was made. Programs send it as Authorization: Bearer.", once: t.Secret, to: "users"}, nil
}

func revokeToken(q *request) (done, error) {
	if err := q.cloud.RevokeAPIToken(q.Context(), q.PathValue("id")); err != nil {
		return done{}, err
	}
	return done{say: "The API token was revoked: it opens nothing any more.", to: "users"}, nil
}
