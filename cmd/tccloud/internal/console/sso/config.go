package sso

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"unicode"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// Paths of the console: where a sign-in begins, and where the provider sends the browser back to.
const (
	BeginPath    = "/console/sso"
	CallbackPath = BeginPath + "/callback"
)

// Config says which provider it is and what this cloud is to it.
type Config struct {
	Issuer   string // its https:// address, exactly as its tokens name it
	ClientID string
	// ClientSecret is "" for a public client, which PKCE alone protects.
	ClientSecret string
	// RedirectURL is the address of CallbackPath as the provider knows it.
	RedirectURL string
	Label       string                 // of the button; "" = the issuer's host
	Roles       map[string]access.Role // of people who are no users yet, by group
	GroupsClaim string                 // of the ID token; "" = groups
	Scopes      []string               // that are asked for beside openid, email and profile
	CA          []byte                 // PEM: the CAs that the provider's certificate may come from; nil: the system's
	Logger      *slog.Logger           // nil discards
}

// maxText bounds names and addresses.
const maxText = 255

// Check says what is wrong with the configuration, in the words of the flags of "tccloud serve".
func (c *Config) Check() error {
	if _, err := c.address("--oidc-issuer", c.Issuer); err != nil {
		return err
	}
	if u, err := c.address("--oidc-redirect-url", c.RedirectURL); err != nil {
		return err
	} else if u.Path != CallbackPath {
		return fmt.Errorf("--oidc-redirect-url: its path is %s", CallbackPath)
	}
	for name, text := range map[string]string{"--oidc-client-id": c.ClientID, "--oidc-groups-claim": c.groupsClaim(), "--oidc-name": c.Name()} {
		if text == "" || len(text) > maxText || !printable(text) {
			return fmt.Errorf("%s: use 1–%d printable bytes", name, maxText)
		}
	}
	for _, s := range c.Scopes {
		if s == "" || len(s) > maxText || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) {
			return fmt.Errorf("--oidc-scope %.40q is no scope", s)
		}
	}
	for group, role := range c.Roles {
		if group == "" || len(group) > maxText || !printable(group) {
			return fmt.Errorf("--oidc-role: use 1–%d printable bytes for a group", maxText)
		}
		if err := role.Check(); err != nil {
			return fmt.Errorf("--oidc-role: %w", err)
		}
	}
	return nil
}

// address is an https:// address that says where, and nothing else.
func (c *Config) address(flag, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s is no address", flag) // what is wrong with it may quote a password
	}
	if u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || len(text) > maxText {
		return nil, errors.New(flag + ": want https://HOST[:PORT][/PATH], without a user, ? and #")
	}
	return u, nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
}

// Name is what people are told that they sign in with.
func (c *Config) Name() string {
	if c.Label != "" {
		return c.Label
	}
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

func (c *Config) groupsClaim() string {
	if c.GroupsClaim == "" {
		return "groups"
	}
	return c.GroupsClaim
}

// Home is the address of a sign-in's beginning at the host where it ends: cookies are of one host.
func (c *Config) Home() *url.URL {
	u, err := url.Parse(c.RedirectURL)
	if err != nil { // see Check
		return &url.URL{Path: BeginPath}
	}
	u.Path = BeginPath
	return u
}
