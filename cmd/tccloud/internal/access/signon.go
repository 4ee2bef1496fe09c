package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode"
)

// Identity is who somebody is for the provider of single sign-on, which has verified all of it.
type Identity struct {
	Subject
	Email string // "" where the provider did not verify one
	Name  string // what a new user may be called
	Role  Role   // by the groups there; "" for none
}

// ErrNoUser means that somebody has signed in at the provider who is no user here.
var ErrNoUser = errors.New("no user of this cloud")

// SignInBy signs in who the provider of single sign-on says has signed in there:
//
//   - the user with this subject. Nothing else is looked at, so that who gets the email address or the
//     name of somebody else does not become them.
//   - else the user whom an administrator has given this email address, who has this subject from now on
//   - else, if groups give a role, a new user
//
// A user that groups have made has the role that they give now, and is refused when they give none. What
// was signed in with another role is signed out.
func (u *Users) SignInBy(ctx context.Context, from string, id Identity) (Principal, error) {
	a, err := u.signInBy(ctx, id)
	who := a.Name
	if who == "" {
		who = "subject " + id.ID
	}
	u.noteAs(ctx, signIn, who, BySingleSignOn, from, err)
	if err != nil {
		return Principal{}, err
	}
	u.perAddress.Undo(address(from))
	u.log.Info("signed in by single sign-on", "user", a.Name, "role", a.Role, "subject", id.ID)
	return a.principal(BySingleSignOn), nil
}

// signInBy returns the user also where it is refused.
func (u *Users) signInBy(ctx context.Context, id Identity) (in account, err error) {
	if id.Issuer == "" || id.ID == "" || id.check("") != nil {
		return in, ErrNoUser
	}
	var refused error
	err = u.edit(ctx, func(d *directory) error {
		in, refused = d.signOn(id)
		if in.Name == "" || in.Disabled {
			return refused
		}
		if refused == nil {
			in.SignedIn = now()
		}
		d.Users[in.Name] = in // also that what was signed in is signed out
		return nil
	})
	if err == nil {
		err = refused
	}
	return in, err
}

// signOn returns the user as it is to be stored, or none, and why it is refused.
func (d *directory) signOn(id Identity) (account, error) {
	name := d.bySubject(&id.Subject)
	if name == "" {
		name = d.byEmail(id.Email)
	}
	a, ok := d.Users[name]
	switch {
	case !ok && id.Role == "":
		return a, ErrNoUser
	case !ok:
		a = account{User: User{Name: d.nameFor(id), Role: id.Role, Subject: &id.Subject, Groups: true, Created: now()}, Stamp: rand.Text()}
		if err := d.add(a); err != nil {
			return account{}, err
		}
		return a, nil
	case a.Disabled:
		return a, ErrNoUser
	case a.Groups && a.Role != id.Role:
		a.Stamp = rand.Text()
		if id.Role == "" {
			return a, ErrNoUser
		}
		a.Role = id.Role
	}
	a.Subject, a.Email = &id.Subject, ""
	return a, nil
}

// byEmail is the user who waits for who has this address.
func (d *directory) byEmail(email string) string {
	for name, a := range d.Users {
		if email != "" && a.Email == lower(email) {
			return name
		}
	}
	return ""
}

// nameFor makes a name of one that the provider has, where anything may be in it, and that another user
// may have already.
func (d *directory) nameFor(id Identity) string {
	name := strings.Map(func(c rune) rune {
		if c > unicode.MaxASCII || !userName.MatchString("a"+string(c)) {
			return '-'
		}
		return c
	}, lower(id.Name))
	name = strings.TrimRight(strings.TrimLeft(name, "._@+-"), "-")
	if name == "" {
		name = "user"
	}
	const most = 64
	name = name[:min(len(name), most)]
	if _, taken := d.Users[name]; taken {
		sum := sha256.Sum256([]byte(id.Issuer + "\n" + id.ID))
		more := "-" + hex.EncodeToString(sum[:6])
		name = name[:min(len(name), most-len(more))] + more
	}
	return name
}

// Attempt counts a try of single sign-on before anything is done for it.
func (u *Users) Attempt(from string) error { return u.admit(u.perAddress, address(from)) }

// Refused notes a sign-in by single sign-on that did not come as far as a user.
func (u *Users) Refused(ctx context.Context, from string, why error) {
	u.noteAs(ctx, signIn, "", BySingleSignOn, from, why)
}

const maxEmail = 254

func checkEmail(email string) error {
	if email == "" {
		return nil
	}
	name, host, ok := strings.Cut(email, "@")
	if !ok || name == "" || host == "" || len(email) > maxEmail || strings.ContainsFunc(email, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return invalid("email address %.70q: want NAME@HOST in printable ASCII", email)
	}
	return nil
}
