package v1

import (
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
)

// User is somebody who signs in to the console.
type User = access.User

// NewUser asks for one. Without a password and without single sign-on, a one-time link is the way in.
type NewUser struct {
	Name     string          `json:"name"`
	Role     access.Role     `json:"role"`
	Password string          `json:"password,omitempty"`
	Subject  *access.Subject `json:"subject,omitempty"` // without an issuer: of the cloud's provider
	// Email, in place of a subject, is of who becomes this user at their first single sign-on.
	Email string `json:"email,omitempty"`
}

// ChangeUser changes the fields that are not nil. Whoever is signed in as the user is signed out.
type ChangeUser struct {
	Role     *access.Role `json:"role,omitempty"`
	Disabled *bool        `json:"disabled,omitempty"`
	Password *string      `json:"password,omitempty"`
	// Subject for single sign-on; an empty one ends it.
	Subject *access.Subject `json:"subject,omitempty"`
	Email   *string         `json:"email,omitempty"` // in place of a subject
}

// APIToken is a token for programs that call this API, without its secret.
type APIToken = access.Token

// NewAPIToken asks for one.
type NewAPIToken struct {
	Name         string      `json:"name"`
	Role         access.Role `json:"role"`
	Environments []string    `json:"environments,omitempty"`  // the only ones that exist for it; none are all
	ValidSeconds int64       `json:"valid_seconds,omitempty"` // 0 = 90 days
}

// MadeAPIToken has the secret, which is not shown again.
type MadeAPIToken struct {
	APIToken
	Secret string `json:"secret,omitempty"`
}

// AuditEntry is one action.
type AuditEntry = audit.Entry
