package sso

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/access"
)

// claims are those of an ID token that go-oidc does not know.
type claims struct {
	AuthorizedParty string   `json:"azp"`
	Email           string   `json:"email"`
	EmailVerified   verified `json:"email_verified"`
	Name            string   `json:"preferred_username"`
	// Elsewhere are claims that were too long: Entra does so with the groups of who is in very many.
	Elsewhere map[string]json.RawMessage `json:"_claim_names"`
}

// verified is true, or "true" as some providers have it, and nothing else.
type verified bool

func (v *verified) UnmarshalJSON(b []byte) error {
	*v = string(b) == "true" || string(b) == `"true"`
	return nil
}

// list is one text or several.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// identity verifies the ID token that the provider gave for a code, and reads who it is of.
func (p *Provider) identity(ctx context.Context, d *discovered, f Flow, t *oauth2.Token) (access.Identity, error) {
	raw, _ := t.Extra("id_token").(string)
	if raw == "" {
		return access.Identity{}, p.refused("it sent no ID token", nil)
	}
	token, err := d.verifier.Verify(ctx, raw)
	if expired, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		if expired.Expiry.Unix() <= 0 {
			return access.Identity{}, p.refused("its ID token does not say until when it is good", nil)
		}
		return access.Identity{}, p.clocks(time.Since(expired.Expiry))
	}
	if err != nil {
		return access.Identity{}, p.refused("its ID token is not good", err)
	}
	var c claims
	all := map[string]json.RawMessage{}
	if err := errors.Join(token.Claims(&c), token.Claims(&all)); err != nil {
		return access.Identity{}, p.refused("its ID token is not readable", err)
	}
	switch {
	case c.AuthorizedParty != p.ClientID && (c.AuthorizedParty != "" || len(token.Audience) > 1):
		return access.Identity{}, p.refused("its ID token was made for another client", nil)
	case !same(token.Nonce, f.Nonce):
		return access.Identity{}, p.refused("its ID token is of another sign-in", nil)
	case time.Until(token.IssuedAt) > skew:
		return access.Identity{}, p.clocks(time.Until(token.IssuedAt))
	case token.AccessTokenHash != "" && token.VerifyAccessToken(t.AccessToken) != nil:
		return access.Identity{}, p.refused("its ID token belongs to another access token", nil)
	}
	id := access.Identity{Subject: access.Subject{Issuer: p.Issuer, ID: token.Subject}, Name: c.Name}
	if c.EmailVerified {
		id.Email = c.Email
	}
	if id.Name == "" {
		id.Name = id.Email
	}
	if len(p.Roles) == 0 {
		return id, nil
	}
	if _, elsewhere := c.Elsewhere[p.groupsClaim()]; elsewhere {
		p.Logger.Warn("the provider left out the groups of who signed in: they are too many; let it send those that are assigned to this client", "subject", plain.Line(plain.Head(token.Subject, maxText)))
	}
	var groups list
	if raw, ok := all[p.groupsClaim()]; ok {
		if err := json.Unmarshal(raw, &groups); err != nil {
			return access.Identity{}, p.refused("the groups in its ID token are not texts", nil)
		}
	}
	id.Role = p.role(groups)
	return id, nil
}

// role is the one that allows most of those that the groups have.
func (p *Provider) role(groups []string) (most access.Role) {
	for _, g := range groups {
		if r, ok := p.Roles[g]; ok && !most.Allows(r) {
			most = r
		}
	}
	return most
}
