package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/platform/datastore"
)

// TenantsBucket is the name of the bucket that says of which Environment data and metrics are: their own
// keys are digests.
const TenantsBucket = "app_data_tenants"

// tenant is what the bucket has of a data store's scope, or of an App's metrics.
type tenant struct {
	Environment string `json:"environment"`
	Scope       string `json:"scope,omitempty"`   // of the data store, or
	Metrics     string `json:"metrics,omitempty"` // the key of metrics
}

// tenants are those that this process has written.
type tenants struct {
	mu   sync.Mutex
	said map[string]tenant // by key
}

// rent says of which Environment is what will be written, before it is.
func (p *Platform) rent(ctx context.Context, t tenant) error {
	key := t.Metrics
	if key == "" {
		key = datastore.Digest(t.Scope)
	}
	p.tenants.mu.Lock()
	_, said := p.tenants.said[key]
	p.tenants.mu.Unlock()
	if said {
		return nil
	}
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if _, err := p.Tenants.Put(ctx, key, data); err != nil {
		return fmt.Errorf("saying whose data this is: %w", err)
	}
	p.tenants.mu.Lock()
	defer p.tenants.mu.Unlock()
	p.tenants.said[key] = t
	return nil
}

// Forget removes what Apps have stored in Environments that known does not know: from memory and, with
// stored, from the store. Of all gateways one does that.
func (p *Platform) Forget(ctx context.Context, known func(environment string) bool, stored bool) error {
	p.tenants.mu.Lock()
	for key, t := range p.tenants.said {
		if !known(t.Environment) {
			delete(p.tenants.said, key)
			p.Data.Forget(t.Scope)
		}
	}
	p.tenants.mu.Unlock()
	if !stored {
		return nil
	}
	if err := p.removeUnknown(ctx, known); err != nil {
		return fmt.Errorf("removing the data of deleted Environments: %w", err)
	}
	return nil
}

func (p *Platform) removeUnknown(ctx context.Context, known func(environment string) bool) error {
	keys, err := p.Tenants.ListKeys(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = keys.Stop() }()
	for key := range keys.Keys() {
		e, err := p.Tenants.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		var t tenant
		if err := json.Unmarshal(e.Value(), &t); err != nil || t.Environment == "" || known(t.Environment) || time.Since(e.Created()) < p.ForgetAfter {
			continue // what cannot be read is nobody's to remove
		}
		if t.Metrics != "" {
			err = p.Metrics.Purge(ctx, t.Metrics)
		} else {
			err = p.Data.Remove(ctx, t.Scope)
		}
		if err == nil {
			err = p.Tenants.Purge(ctx, key, jetstream.LastRevision(e.Revision()))
		}
		if err != nil {
			return err
		}
		p.Logger.Info("data of a deleted Environment removed", "environment", t.Environment, "metrics", t.Metrics != "")
	}
	return ctx.Err()
}
