package access

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/access/password"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Errors of changes.
var (
	ErrInvalid  = errors.New("not accepted")
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	// ErrLastAdministrator means that nobody could make changes any more who signs in.
	ErrLastAdministrator = errors.New("this is the last administrator who can sign in")
)

// User is somebody who signs in.
type User struct {
	Name     string   `json:"name"` // 1–64 of a–z 0–9 . _ @ + -, starting with a letter or a digit
	Role     Role     `json:"role"`
	Disabled bool     `json:"disabled,omitempty"`
	Password bool     `json:"password"` // has one
	Subject  *Subject `json:"subject,omitempty"`
	// Email is of who becomes this user at their first single sign-on, when it is replaced by the subject.
	Email string `json:"email,omitempty"`
	// Groups says that the provider of single sign-on made the user, by its groups, and has the say about
	// the role.
	Groups   bool      `json:"groups,omitempty"`
	Created  time.Time `json:"created"`
	SignedIn time.Time `json:"signed_in,omitzero"` // last
}

// Subject is who a user is for a provider of single sign-on (OpenID Connect).
type Subject struct {
	Issuer string `json:"issuer"`
	ID     string `json:"id"`
}

// able reports whether the user can sign in by more than a link, and the cloud alone has the say about it.
func (u *User) able() bool { return !u.Disabled && (u.Password || u.Subject != nil && !u.Groups) }

// account is a user as stored.
type account struct {
	User
	Hash  string `json:"hash,omitempty"` // package password
	Stamp string `json:"stamp"`          // see Principal.Stamp
}

// directory is the record of all users.
type directory struct {
	Users map[string]account `json:"users"`
}

// administrators are how many there are who can sign in.
func (d *directory) administrators() (n int) {
	for _, u := range d.Users {
		if u.Role == Administrator && u.able() {
			n++
		}
	}
	return n
}

const usersKey = "users"

// mostUsers bounds the record below the message limit of an external NATS.
const mostUsers = 1000

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

func checkName(name string) error {
	if !userName.MatchString(name) {
		return invalid("name %.70q: use 1–64 of a–z, 0–9 and . _ @ + -, beginning with a letter or a digit", name)
	}
	return nil
}

// check completes and checks a subject; own is the issuer that is meant where none is given.
func (s *Subject) check(own string) error {
	if s == nil {
		return nil
	}
	if s.Issuer == "" && s.ID != "" {
		if s.Issuer = own; own == "" {
			return invalid("single sign-on is not set up (\"tccloud serve --oidc-issuer\"): name the issuer")
		}
	}
	for what, text := range map[string]string{"issuer": s.Issuer, "id": s.ID} {
		if text == "" || len(text) > 255 || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
			return invalid("%s of single sign-on: use 1–255 printable bytes", what)
		}
	}
	return nil
}

var errBoth = invalid("give a subject or an email address, not both")

// NewUser asks for a user, who may have neither a password nor a subject: then a link is the way in.
type NewUser struct {
	Name     string
	Role     Role
	Password string
	Subject  *Subject // without an issuer: of the cloud's
	Email    string   // in place of a subject, see User
}

// Create adds a user.
func (u *Users) Create(ctx context.Context, q NewUser) (User, error) {
	if err := errors.Join(checkName(q.Name), q.Role.Check(), q.Subject.check(u.issuer), checkEmail(q.Email)); err != nil {
		return User{}, err
	}
	if q.Subject != nil && q.Email != "" {
		return User{}, errBoth
	}
	a := account{User: User{Name: q.Name, Role: q.Role, Subject: q.Subject, Email: lower(q.Email), Created: now()}, Stamp: rand.Text()}
	if q.Password != "" {
		var err error
		if a.Hash, err = u.hasher.Hash(ctx, q.Password); err != nil {
			return User{}, err
		}
		a.Password = true
	}
	return a.User, u.edit(ctx, func(d *directory) error { return d.add(a) })
}

func (d *directory) add(a account) error {
	if _, ok := d.Users[a.Name]; ok {
		return fmt.Errorf("user %q: %w", a.Name, ErrExists)
	}
	if len(d.Users) >= mostUsers {
		return invalid("there are %d users, and no more than that", len(d.Users))
	}
	if err := d.free(&a); err != nil {
		return err
	}
	d.Users[a.Name] = a
	return nil
}

// free refuses a way of single sign-on that another user has.
func (d *directory) free(a *account) error {
	for _, by := range []string{d.bySubject(a.Subject), d.byEmail(a.Email)} {
		if by != "" && by != a.Name {
			return fmt.Errorf("user %q with this single sign-on: %w", by, ErrExists)
		}
	}
	return nil
}

func (d *directory) bySubject(s *Subject) string {
	for name, a := range d.Users {
		if s != nil && a.Subject != nil && *a.Subject == *s {
			return name
		}
	}
	return ""
}

// Change says what is to be different about a user; what is nil stays.
type Change struct {
	Role     *Role
	Disabled *bool
	Password *string
	Subject  *Subject // an empty one: none any more, and no email address
	Email    *string  // in place of a subject
}

// Change changes a user. What was signed in before is signed out.
func (u *Users) Change(ctx context.Context, name string, c Change) (User, error) {
	var out User
	if c.Role != nil {
		if err := c.Role.Check(); err != nil {
			return out, err
		}
	}
	subject := c.Subject
	if subject != nil && *subject == (Subject{}) {
		subject = nil
	}
	if err := subject.check(u.issuer); err != nil {
		return out, err
	}
	if c.Email != nil {
		if err := checkEmail(*c.Email); err != nil {
			return out, err
		}
		if c.Subject != nil {
			return out, errBoth
		}
	}
	hash := ""
	if c.Password != nil {
		if _, err := u.User(name); err != nil { // before the work
			return out, err
		}
		var err error
		if hash, err = u.hasher.Hash(ctx, *c.Password); err != nil {
			return out, err
		}
	}
	err := u.editUser(ctx, name, func(d *directory, a *account) error {
		if c.Role != nil && a.Groups {
			return invalid("the role of %q comes from the groups of single sign-on", name)
		}
		if hash != "" && a.Groups {
			return onlySingleSignOn(name)
		}
		set(&a.Role, c.Role)
		set(&a.Disabled, c.Disabled)
		if hash != "" {
			a.Hash, a.Password = hash, true
		}
		if c.Subject != nil {
			a.Subject, a.Email, a.Groups = subject, "", false
		}
		if c.Email != nil {
			a.Subject, a.Email, a.Groups = nil, lower(*c.Email), false
		}
		a.Stamp = rand.Text()
		out = a.User
		return d.free(a)
	})
	return out, err
}

// onlySingleSignOn refuses another way in for a user whose role the provider has the say about.
func onlySingleSignOn(name string) error {
	return invalid("%q signs in by single sign-on, and by nothing else", name)
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// Remove removes a user. What was signed in is signed out.
func (u *Users) Remove(ctx context.Context, name string) error {
	return u.edit(ctx, func(d *directory) error {
		if _, ok := d.Users[name]; !ok {
			return unknown(name)
		}
		delete(d.Users, name)
		return nil
	})
}

func unknown(name string) error { return fmt.Errorf("user %.70q: %w", name, ErrNotFound) }

func (u *Users) editUser(ctx context.Context, name string, change func(*directory, *account) error) error {
	return u.edit(ctx, func(d *directory) error {
		a, ok := d.Users[name]
		if !ok {
			return unknown(name)
		}
		if err := change(d, &a); err != nil {
			return err
		}
		d.Users[name] = a
		return nil
	})
}

// edit changes the record of all users. If two do so at once both changes are made, one after the
// other, or refused by what the other left.
func (u *Users) edit(ctx context.Context, change func(*directory) error) error {
	for {
		d, revision, err := bucket.Read[directory](ctx, u.kv, usersKey)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			d, revision = &directory{}, 0
		case err != nil:
			return fmt.Errorf("reading the users: %w", err)
		}
		if d.Users == nil {
			d.Users = map[string]account{}
		}
		before := d.administrators()
		if err := change(d); err != nil {
			return err
		}
		if before > 0 && d.administrators() == 0 {
			return ErrLastAdministrator
		}
		revision, data, err := bucket.Write(ctx, u.kv, usersKey, d, revision)
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("storing the users: %w", err)
		}
		u.apply(usersKey, data, revision, false)
		return nil
	}
}

// User returns one, or ErrNotFound.
func (u *Users) User(name string) (User, error) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	a, ok := u.users[name]
	if !ok {
		return User{}, unknown(name)
	}
	return a.User, nil
}

// List returns all users, by name.
func (u *Users) List() []User {
	u.mu.RLock()
	defer u.mu.RUnlock()
	list := []User{}
	for _, name := range slices.Sorted(maps.Keys(u.users)) {
		list = append(list, u.users[name].User)
	}
	return list
}

// CheckPassword refuses a password that no user can have; see package password.
func CheckPassword(text string) error { return password.Check(text) }

// Bounds of a password in bytes.
const (
	MinPassword = password.MinLength
	MaxPassword = password.MaxLength
)

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
