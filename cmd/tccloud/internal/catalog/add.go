package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/app/vet"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
)

// suffix is the version part of a package's top folder: NAME_v1, NAME_v1.0.
var suffix = regexp.MustCompile(`_v[0-9][0-9.]*$`)

// Add adds a package to the catalog after the checks that an agent makes as well. A version that
// exists with other content is ErrExists, unless replace is set: then the old content is removed as
// by Remove. signed is the text of its signature, nil without one; a package that is there already
// gets it as by Sign, and keeps the one that it has if there is no other.
func (c *Catalog) Add(ctx context.Context, r io.Reader, signed []byte, replace bool, keep func(wire.SHA256) (bool, error)) (App, error) {
	spool, err := c.blobs.Temp()
	if err != nil {
		return App{}, fmt.Errorf("receiving the App: %w", err)
	}
	defer func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}()
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(spool, h), io.LimitReader(r, wire.MaxAppSize+1))
	switch {
	case err != nil:
		return App{}, fmt.Errorf("receiving the App: %w", err)
	case size > wire.MaxAppSize:
		return App{}, fmt.Errorf("%w: larger than %d bytes", ErrInvalid, wire.MaxAppSize)
	case size == 0:
		return App{}, fmt.Errorf("%w: it is empty", ErrInvalid)
	}
	app, err := judge(spool)
	if err != nil {
		return App{}, err
	}
	app.Size, app.SHA256 = size, wire.SHA256(hex.EncodeToString(h.Sum(nil)))
	if signed != nil {
		if _, err := readSignature(signed, app); err != nil {
			return App{}, err
		}
	}
	warnings := app.Warnings
	app.Warnings = nil
	if app, err = c.insert(ctx, app, spool, signed, replace, keep); err != nil {
		return App{}, err
	}
	app.Warnings = warnings
	return app, nil
}

// insert stores the content and its signature before the entry that names them.
func (c *Catalog) insert(ctx context.Context, app App, content *os.File, signed []byte, replace bool, keep func(wire.SHA256) (bool, error)) (App, error) {
	k := key(app.Name, app.Version)
	old, revision, err := c.read(ctx, k)
	same := err == nil && old.SHA256 == app.SHA256
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return App{}, err
	case same:
		app.Added, app.SignedBy = old.Added, old.SignedBy
	case !replace:
		return App{}, fmt.Errorf("adding App %q version %q: %w with other content", app.Name, app.Version, ErrExists)
	}
	if err := c.blobs.Add(ctx, app.SHA256, content); err != nil {
		return App{}, err
	}
	if signed == nil && !same { // its content may be there still, with a signature, for an execution
		if signed, err = c.Signature(ctx, app.SHA256); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return App{}, err
		}
	}
	if signed != nil {
		if err := c.attach(ctx, &app, signed); err != nil {
			return App{}, err
		}
	}
	data, err := json.Marshal(app)
	if err != nil {
		return App{}, err
	}
	if before, err := json.Marshal(old); same && err == nil && bytes.Equal(before, data) {
		return app, nil
	}
	if revision == 0 {
		revision, err = c.apps.Create(ctx, k, data)
	} else {
		revision, err = c.apps.Update(ctx, k, data, revision)
	}
	c.memory.wrote(k, revision)
	if err != nil {
		return App{}, fmt.Errorf("adding App %q version %q: %w", app.Name, app.Version, err)
	}
	if old.SHA256 != "" && !same {
		return app, c.release(ctx, old.SHA256, keep)
	}
	return app, nil
}

// judge returns the entry of a package, or all that is wrong with it.
func judge(pkg *os.File) (App, error) {
	problems := vet.Check(pkg)
	if err := vet.Refusal(problems); err != nil {
		return App{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	m, top, err := tcx.ReadManifestOf(pkg, tcx.Limits{})
	if err != nil {
		return App{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	app, err := describe(m, top)
	for _, w := range vet.Warnings(problems) {
		app.Warnings = append(app.Warnings, w.String())
	}
	return app, err
}

// Inspect returns the entry that a package would have, and reads it to its end.
func Inspect(file string) (App, error) {
	f, err := os.Open(file)
	if err != nil {
		return App{}, fmt.Errorf("reading the App: %w", err)
	}
	defer f.Close()
	app, err := judge(f)
	if err != nil {
		return App{}, err
	}
	h := sha256.New()
	if app.Size, err = io.Copy(h, f); err != nil {
		return App{}, fmt.Errorf("reading the App: %w", err)
	}
	app.SHA256 = wire.SHA256(hex.EncodeToString(h.Sum(nil)))
	return app, nil
}

// describe makes an entry of a manifest in which package vet has found nothing wrong.
func describe(m tcx.Manifest, top string) (App, error) {
	a := App{
		DisplayName: m.DisplayName, Language: m.Language, Features: m.Features,
		TimeoutMinutes: m.TimeoutMinutes, ListDelimiter: m.ListDelimiter, Added: time.Now().UTC().Truncate(time.Second),
	}
	a.Name = suffix.ReplaceAllString(top, "")
	a.Version = m.ProgramVersion
	if a.Name == "" || len(a.Name) > 128 {
		return App{}, fmt.Errorf("%w: top folder %.140q gives no name of 1–128 bytes", ErrInvalid, top)
	}
	var err error
	if a.Runtime, err = m.Runtime(); err != nil {
		return App{}, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	for _, l := range tcx.Levels {
		if l.Runtime == a.Runtime {
			a.RuntimeLevel = l.Level
		}
	}
	triggers := a.Runtime == wire.RuntimeTriggerService || a.Runtime == wire.RuntimeWebhookTriggerService
	for _, p := range m.Params {
		a.Params = append(a.Params, Param{
			Name: p.Name, Type: p.Type, Required: p.Required, Encrypt: p.Encrypt, Trigger: triggers && !p.ServiceConfig,
			Label: head(p.Label, longestLabel), Note: head(p.Note, longestNote), Hidden: p.Hidden, Sequence: p.Sequence, Values: choices(p.ValidValues),
		})
	}
	defaults := m.Defaults()
	for i, p := range a.Params {
		a.Params[i].Default = defaults[p.Name]
	}
	for _, o := range m.Playbook.OutputVariables {
		a.Outputs = append(a.Outputs, Output{o.Name, o.Type})
	}
	return a, nil
}

// How much of the texts of a form is kept.
const (
	longestLabel = 256
	longestNote  = 2 << 10
	mostChoices  = 500
	longestOne   = 256
)

// head is the beginning of a text.
func head(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// choices are all values, or none where there are too many to choose from: then any can be filled in.
func choices(values []string) []string {
	if len(values) > mostChoices || slices.ContainsFunc(values, func(v string) bool { return len(v) > longestOne }) {
		return nil
	}
	return values
}
