package console

import (
	"errors"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// accountData is what the page of one's own account shows.
type accountData struct {
	access.Principal
	Min, Max int // bytes of a password
}

func loadAccount(q *request) (any, error) {
	return accountData{q.user, access.MinPassword, access.MaxPassword}, nil
}

// changePassword signs the user out everywhere else: this session begins anew.
func changePassword(q *request) (done, error) {
	f := q.PostForm
	if f.Get("password") != f.Get("again") {
		return done{}, &invalid{"the two passwords are not the same"}
	}
	p, err := q.console.Accounts.NewPassword(q.Context(), q.RemoteAddr, q.user, f.Get("old"), f.Get("password"))
	if errors.Is(err, access.ErrSignIn) {
		return done{}, &invalid{"the present password is wrong"}
	}
	if err == nil {
		err = q.console.begin(q.Context(), p)
	}
	if err != nil {
		return done{}, err
	}
	return done{say: "Your password was changed. Everywhere else you are signed out.", to: "account"}, nil
}
