// Package sso signs people in to the console by an OpenID provider: single sign-on.
//
//	browser ── GET /console/sso ──────────► Begin: state, nonce and verifier into the store
//	        ◄─ to the provider ────────────┘         (a Flow, under a cookie of this browser)
//	        ── signs in there ─► provider
//	        ── GET /console/sso/callback ─► Finish: the Flow is used up
//	                                          │ code, verifier, client secret ─► token endpoint
//	                                          ◄── ID token: verified
//	                                        access.Identity ─► package access: which user is that
//
// It is the authorization code flow with PKCE (S256). The browser never has a token, and what it has
// is of no use elsewhere: the state is bound to its cookie, the code to the verifier that stays in the
// store, the ID token to the nonce. A Flow is good once and for [FlowLife], at any gateway.
//
// # Who is believed
//
// One provider, named by its issuer: its discovery document must name the same issuer, an answer that
// names its issuer (RFC 9207) this one, and an ID token is of this issuer, for this client (aud, and
// azp where it is given or needed), not expired and not of the future by more than a minute, with the
// nonce of the Flow, and signed by a key of the provider with one of [Algorithms]. Neither "none" nor
// HMAC is among these, whatever the provider says it supports. All of them are FIPS 140-3 algorithms,
// and so is SHA-256, which PKCE needs: FIPS mode takes away nothing.
//
// A user is an issuer and a subject (sub), for good. An email address counts once, where an
// administrator has named it in advance and the provider says that it verified it; see
// [tcenvsvr/cmd/tccloud/internal/access.Users.SignInBy].
//
// # What a provider may do
//
// It is asked by https only and by a CA that is trusted, follows no redirect, and has a bounded time
// and answer. When it is down only single sign-on is: the page says so, and has the password beside it.
// Discovery is asked again each hour, keys with it and whenever a token is signed by one that is not
// known. What the provider says is neither shown nor logged as it is, and no secret is.
package sso
