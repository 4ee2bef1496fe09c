package cloud

import (
	"context"
	"path/filepath"

	"tcenvsvr/agent/disk/space"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/identity"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// catalogParts are the parts that store Apps, their files and their variables.
type catalogParts struct {
	catalog *catalog.Catalog
	uploads *upload.Store
	apps    *appstore.Store
}

func openCatalog(ctx context.Context, cfg Config, st *store.Store, signer *apptoken.Signer, c *cloud) (*catalogParts, error) {
	k := new(catalogParts)
	index, err := st.KV(ctx, catalog.AppsBucket, store.KVOptions{})
	if err != nil {
		return nil, err
	}
	content, err := st.Objects(ctx, catalog.BlobsBucket)
	if err != nil {
		return nil, err
	}
	published, err := st.Objects(ctx, catalog.FilesBucket)
	if err != nil {
		return nil, err
	}
	values, err := st.KV(ctx, appstore.ValuesBucket, store.KVOptions{})
	if err != nil {
		return nil, err
	}
	large, err := st.Objects(ctx, appstore.LargeBucket)
	if err != nil {
		return nil, err
	}
	variables, err := st.KV(ctx, appstore.VariablesBucket, store.KVOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := st.Stream(ctx, st.Relaxed(appstore.LogConfig())); err != nil {
		return nil, err
	}
	blobs, err := blob.Open(filepath.Join(cfg.Data, "cache"), content)
	if err != nil {
		return nil, err
	}
	if k.uploads, err = upload.Open(filepath.Join(cfg.Data, "uploads"), published); err != nil {
		return nil, err
	}
	k.catalog = catalog.New(catalog.Config{
		Apps: index, Blobs: blobs, Uploads: k.uploads, Orders: c.dispatcher, Servers: c.registry, Trusted: c.trusted,
		Retention: cfg.keep(), Keeper: c.dispatcher.Keeper,
		Bytes: st.Share(4, 64<<30), Room: func(bytes int64) error { return checkSpace(cfg.Data, bytes) },
		Logger: cfg.Logger.With("component", "catalog"),
	})
	k.apps = appstore.New(appstore.Config{
		Executions: c.dispatcher, Exchange: c.exchange, Signer: signer, TokenLife: c.tokenLife, Expire: c.tokensExpire, Trusted: c.trusted, Store: st, Values: values, Large: large, Variables: variables, JS: st.JS(),
		Bytes: st.Share(8, 4<<30), Trim: st.Trim,
	})
	return k, nil
}

// openReleases opens what serves releases: all of it is in the store, but for the online keys in
// DATA/updates/keys.
func openReleases(ctx context.Context, cfg Config, st *store.Store, c *cloud) (*releases.Director, error) {
	kv, err := st.KV(ctx, releases.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	files, err := openBlobs(ctx, st, releases.FilesBucket, filepath.Join(cfg.Data, "updates", "cache"))
	if err != nil {
		return nil, err
	}
	blobs, err := openBlobs(ctx, st, packages.Bucket, filepath.Join(cfg.Data, "packages"))
	if err != nil {
		return nil, err
	}
	c.packages = &packages.Store{KV: kv, Blobs: blobs}
	c.sweeps = append(c.sweeps, c.packages.Trim)
	return releases.New(releases.Config{
		KV: kv, Files: releases.OpenFiles(kv, files, filepath.Join(cfg.Data, identity.OnlineKeys)), Servers: memberships{c.registry},
		Gateway: c.name, Trusted: c.trusted, Logger: cfg.Logger.With("component", "releases"),
	}), nil
}

// openBlobs opens contents by digest, with a cache in a folder.
func openBlobs(ctx context.Context, st *store.Store, name, dir string) (*blob.Store, error) {
	objects, err := st.Objects(ctx, name)
	if err != nil {
		return nil, err
	}
	return blob.Open(dir, objects)
}

// checkSpace returns an error if so many bytes would use the reserve of the disk.
func checkSpace(dir string, bytes int64) error {
	r, err := quota.RoomAt(dir)
	if err != nil {
		return nil // the write will fail
	}
	return space.Check(dir, bytes+int64(r.Reserve()))
}
