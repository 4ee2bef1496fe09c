package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link/wire"
)

// forgetMissing is how long it is remembered that a package has no signature that counts: a rule
// may allow it all the same, and its orders must not ask the cloud each time.
const forgetMissing = time.Minute

func (p *Pass) ref() app.Ref {
	a := p.order.App
	return app.Ref{Name: a.Name, Version: a.Version, SHA256: string(a.SHA256), Size: a.Size}
}

// origin is what the package says of itself. An App that an older agent installed is downloaded for
// that.
func (p *Pass) origin(ctx context.Context) (app.Origin, error) {
	fetch := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		return p.guard.Cloud.Download(ctx, p.order.App.SHA256, offset)
	}
	var o app.Origin
	err := p.retry(ctx, func() (err error) {
		o, err = p.guard.Packages.Origin(ctx, p.ref(), fetch)
		return err
	})
	return o, err
}

// publisher returns who signed the package; "" if nobody did whom the policy knows. What was found
// before goes first, then the signature that is kept beside the App, then the cloud's.
func (p *Pass) publisher(ctx context.Context, rules *policy.Policy, o app.Origin) (string, error) {
	g, sha, now := p.guard, p.order.App.SHA256, time.Now()
	known := g.mark(sha)
	if name, ok := rules.Publisher(known.key, now); ok && known.text == o.Signature {
		return name, nil
	}
	if o.Signature != "" {
		name, key, err := p.owner(ctx, rules, o, o.Signature, now)
		if err != nil {
			return "", err
		}
		if name != "" {
			g.note(sha, mark{text: o.Signature, key: key})
			return name, nil
		}
	}
	if since := now.Sub(known.asked); !known.asked.IsZero() && since > 0 && since < forgetMissing {
		return "", nil
	}
	var text string
	err := p.retry(ctx, func() (err error) { text, err = g.Cloud.Signature(ctx, sha); return err })
	if err != nil {
		return "", err
	}
	name, key, err := p.owner(ctx, rules, o, text, now)
	if err != nil {
		return "", err
	}
	if name == "" {
		g.note(sha, mark{asked: now})
		return "", nil
	}
	if err := g.Packages.KeepSignature(o, text); err != nil { // it is asked for again
		g.Logger.Warn("signature of an App is not kept", "app", o.Name, "err", err)
	}
	g.note(sha, mark{text: text, key: key})
	g.Logger.Info("publisher of an App is verified", "app", o.Name, "version", o.Version, "publisher", name, "key", key.ID.String())
	return name, nil
}

// owner returns whose signature the text is, and of which key; "" if it is nobody's whom the policy
// knows.
func (p *Pass) owner(ctx context.Context, rules *policy.Policy, o app.Origin, text string, now time.Time) (string, signature.PublicKey, error) {
	keys := rules.PublisherKeys(now)
	if !claims(text, keys) {
		return "", signature.PublicKey{}, nil
	}
	key, err := p.proven(ctx, o, text, keys)
	if err != nil {
		return "", key, err
	}
	name, _ := rules.Publisher(key, now)
	return name, key, nil
}

func (g *Guard) mark(sha wire.SHA256) mark {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.signed[sha]
}

// maxMarks bounds the memory of who signed what; it is forgotten whole, and found anew.
const maxMarks = 10_000

func (g *Guard) note(sha wire.SHA256, m mark) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.signed) >= maxMarks {
		clear(g.signed)
	}
	g.signed[sha] = m
}

// claims reports whether a text is a signature that names one of the keys.
func claims(text string, keys []signature.PublicKey) bool {
	s, err := signature.Decode([]byte(text))
	return err == nil && slices.ContainsFunc(keys, func(k signature.PublicKey) bool { return k.ID == s.KeyID })
}

// proven returns the key that signed the package, the zero key if none of these did. An error says
// that it could not be found out.
func (p *Pass) proven(ctx context.Context, o app.Origin, text string, keys []signature.PublicKey) (signature.PublicKey, error) {
	var none signature.PublicKey
	s, err := signature.Decode([]byte(text))
	if err != nil {
		p.guard.Logger.Warn("signature of an App is not one", "app", o.Name, "err", err)
		return none, nil
	}
	key, err := s.VerifyDigest([signature.DigestSize]byte(o.Digest), keys...)
	if errors.Is(err, signature.ErrDigest) {
		err = p.retry(ctx, func() (err error) { key, err = p.whole(ctx, s, keys); return err })
		if err != nil && !isBad(err) {
			return none, err
		}
	}
	if err != nil {
		p.guard.Logger.Warn("signature of an App does not count", "app", o.Name, "err", err)
		return none, nil
	}
	return key, nil
}

// whole verifies a legacy signature, which goes over the package itself: it is downloaded once
// more, into memory. One at a time, so that a cloud cannot fill the memory with such packages.
func (p *Pass) whole(ctx context.Context, s *signature.Signature, keys []signature.PublicKey) (signature.PublicKey, error) {
	select {
	case p.guard.whole <- struct{}{}:
		defer func() { <-p.guard.whole }()
	case <-ctx.Done():
		return signature.PublicKey{}, context.Cause(ctx)
	}
	body, err := p.guard.Cloud.Download(ctx, p.order.App.SHA256, 0)
	if err != nil {
		return signature.PublicKey{}, err
	}
	defer body.Close()
	sum := sha256.New()
	key, err := s.Verify(io.TeeReader(body, sum), keys...)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != string(p.order.App.SHA256) {
		return signature.PublicKey{}, fmt.Errorf("%w: what came is not the App that is installed", signature.ErrBad)
	}
	return key, err
}

// isBad reports errors that say that a signature does not count.
func isBad(err error) bool {
	return errors.Is(err, signature.ErrBad) || errors.Is(err, signature.ErrUnknownKey) || errors.Is(err, signature.ErrTooLarge)
}

// retry tries again while ctx lasts, if the error may pass.
func (p *Pass) retry(ctx context.Context, f func() error) error {
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		err := f()
		if err == nil || isBad(err) || !temporary(err) || ctx.Err() != nil {
			return err
		}
		p.guard.Logger.Warn("who signed an App is not known yet", "order", p.order.Ref.String(), "err", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
	}
}

// temporary reports errors that may be over at the next try: all that do not say that they are not.
func temporary(err error) bool {
	if s, ok := errors.AsType[*cloud.StatusError](err); ok {
		return s.Temporary()
	}
	if e, ok := errors.AsType[*app.Error](err); ok {
		return e.Temporary()
	}
	return true
}
