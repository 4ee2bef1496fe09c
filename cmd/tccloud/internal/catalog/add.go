package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/link/wire"
)

// suffix is the version part of a package's top folder: NAME_v1, NAME_v1.0.
var suffix = regexp.MustCompile(`_v[0-9][0-9.]*$`)

// Add adds a package to the catalog after the checks that an agent makes as well. A version that
// exists with other content is ErrExists, unless replace is set: then the old content is removed as
// by Remove.
func (c *Catalog) Add(ctx context.Context, r io.Reader, replace bool, keep func(wire.SHA256) (bool, error)) (App, error) {
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
	m, top, err := tcx.ReadManifest(spool.Name(), tcx.Limits{})
	if err != nil {
		return App{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	app, err := describe(m, top)
	if err != nil {
		return App{}, err
	}
	app.Size, app.SHA256 = size, wire.SHA256(hex.EncodeToString(h.Sum(nil)))
	return app, c.insert(ctx, app, spool, replace, keep)
}

// insert stores the content before the entry that names it.
func (c *Catalog) insert(ctx context.Context, app App, content *os.File, replace bool, keep func(wire.SHA256) (bool, error)) error {
	k := key(app.Name, app.Version)
	old, revision, err := c.read(ctx, k)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	case old.SHA256 == app.SHA256:
		return nil
	case !replace:
		return fmt.Errorf("adding App %q version %q: %w with other content", app.Name, app.Version, ErrExists)
	}
	if err := c.blobs.Add(ctx, app.SHA256, content); err != nil {
		return err
	}
	data, err := json.Marshal(app)
	if err != nil {
		return err
	}
	if revision == 0 {
		_, err = c.apps.Create(ctx, k, data)
	} else {
		_, err = c.apps.Update(ctx, k, data, revision)
	}
	if err != nil {
		return fmt.Errorf("adding App %q version %q: %w", app.Name, app.Version, err)
	}
	if revision != 0 {
		return c.release(ctx, old.SHA256, keep)
	}
	return nil
}

// describe makes an entry of a manifest.
func describe(m tcx.Manifest, top string) (App, error) {
	a := App{
		DisplayName: m.DisplayName, Language: m.Language, Features: m.Features,
		TimeoutMinutes: m.TimeoutMinutes, Added: time.Now().UTC().Truncate(time.Second),
	}
	a.Name = suffix.ReplaceAllString(top, "")
	a.Version = m.ProgramVersion
	if a.Name == "" || len(a.Name) > 128 {
		return App{}, fmt.Errorf("%w: top folder %.140q gives no name of 1–128 bytes", ErrInvalid, top)
	}
	if a.Version == "" || len(a.Version) > 64 {
		return App{}, fmt.Errorf("%w: programVersion %.80q: want 1–64 bytes", ErrInvalid, a.Version)
	}
	var err error
	if a.Runtime, err = m.Runtime(); err != nil {
		return App{}, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	a.RuntimeLevel = "Organization"
	if a.Runtime == wire.RuntimePlaybook {
		a.RuntimeLevel = "Playbook"
	}
	for _, p := range m.Params {
		a.Params = append(a.Params, Param{Name: p.Name, Type: p.Type, Required: p.Required})
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
