package appstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api"
)

// Variable is a runtime variable, &{Source:TYPE:ID} in a parameter. Its content is never listed.
type Variable struct {
	Source  string    `json:"source"` // TC or Vault
	ID      string    `json:"id"`
	Changed time.Time `json:"changed"`
}

func variableKey(source, id string) (string, error) {
	return source + "." + id, api.CheckVariable(source, id)
}

// SetVariable stores the content of a variable; a file's is base64.
func (s *Store) SetVariable(ctx context.Context, source, id, data string) error {
	k, err := variableKey(source, id)
	if err != nil {
		return err
	}
	v, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if _, err := s.Config.Variables.Put(ctx, k, v); err != nil {
		return fmt.Errorf("storing variable %s: %w", k, err)
	}
	return nil
}

// DeleteVariable removes a variable; api.ErrNotFound.
func (s *Store) DeleteVariable(ctx context.Context, source, id string) error {
	k, err := variableKey(source, id)
	if err != nil {
		return err
	}
	if _, err := s.Config.Variables.Get(ctx, k); errors.Is(err, jetstream.ErrKeyNotFound) {
		return api.ErrNotFound
	}
	if err := s.Config.Variables.Purge(ctx, k); err != nil {
		return fmt.Errorf("removing variable %s: %w", k, err)
	}
	return nil
}

// ListVariables names all variables.
func (s *Store) ListVariables(ctx context.Context) ([]Variable, error) {
	keys, err := s.Config.Variables.ListKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing variables: %w", err)
	}
	list := []Variable{}
	for k := range keys.Keys() {
		e, err := s.Config.Variables.Get(ctx, k)
		if err != nil {
			continue // removed in between
		}
		source, id, _ := strings.Cut(k, ".")
		list = append(list, Variable{source, id, e.Created().UTC()})
	}
	slices.SortFunc(list, func(a, b Variable) int { return strings.Compare(a.Source+a.ID, b.Source+b.ID) })
	return list, nil
}

// Variable implements api.Runs.
func (s *Store) Variable(ctx context.Context, session api.Session, source, id string) (string, error) {
	k, err := variableKey(source, id)
	if err != nil {
		return "", api.ErrNotFound
	}
	params, err := s.Params(ctx, session)
	if err != nil {
		return "", err
	}
	if !api.Mentions(params, source, id) {
		return "", api.ErrNotFound
	}
	e, err := s.Config.Variables.Get(ctx, k)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", api.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("reading a runtime variable: %w", err)
	}
	var data string
	if err := json.Unmarshal(e.Value(), &data); err != nil {
		return "", errors.New("reading a runtime variable: the stored value is damaged")
	}
	return data, nil
}
