// Package oidc is an OpenID provider for tests: a real one over TLS, on https://localhost, which is another
// site than a cloud at 127.0.0.1 is to a browser. It takes nothing that the specification lets a provider
// refuse: requests without state, nonce and PKCE, redirect URLs that are not registered, codes twice,
// clients that cannot show their secret. What it answers can be made a lie, see [Lies].
package oidc
