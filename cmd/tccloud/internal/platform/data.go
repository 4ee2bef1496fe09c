package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tcenvsvr/cmd/tccloud/internal/platform/datastore"
)

// Limits of a search.
const (
	usualHits = 10
	mostHits  = 1000
	hitBytes  = 4 << 20
)

// data serves the data store in the words of Elasticsearch. Every request is a POST; what it means is
// in its DB-Method.
func (p *Platform) data(c *call) error {
	domain, typ, id := c.rest[0], c.rest[1], ""
	if len(c.rest) == 3 {
		id = c.rest[2]
	}
	s := store{p.Data, c, p, typ, "$" + domain + "." + c.App.Name, ""}
	switch domain {
	case "local":
		s.scope = "local\x00" + c.Environment + "\x00" + c.App.Name
	case "organization":
		s.scope, s.index = "organization\x00"+c.Environment, "$organization"
	case "system":
		return failure(http.StatusForbidden, "nothing is shared by all Environments: use local or organization")
	default:
		return failure(http.StatusNotFound, "Resource Not Found")
	}
	switch method := c.Header.Get("DB-Method"); {
	case id == "_mappings":
		return s.mark()
	case id == "_search", id == "" && (method == http.MethodGet || method == ""):
		return s.search()
	case method == http.MethodGet, method == "":
		return s.get(id)
	case method == http.MethodDelete && id != "":
		return s.remove(id)
	case method == http.MethodPost, method == http.MethodPut && id != "":
		return s.put(id)
	}
	return failure(http.StatusBadRequest, "DB-Method is GET, POST, PUT or DELETE, and the last two need an id")
}

// store is one type in one scope, for one request.
type store struct {
	*datastore.Store
	*call
	platform          *Platform
	typ, index, scope string
}

// rent says of which Environment the scope is.
func (s store) rent() error {
	return s.platform.rent(s.Context(), tenant{Environment: s.Environment, Scope: s.scope})
}

// about is what every answer about a record begins with.
func (s store) about(id string, more map[string]any) map[string]any {
	more["_index"], more["_type"], more["_id"] = s.index, s.typ, id
	return more
}

func (s store) mark() error {
	if _, err := s.body(maxBody); err != nil { // there is nothing to map
		return err
	}
	if err := s.rent(); err != nil {
		return err
	}
	if err := s.Mark(s.Context(), s.scope, s.typ); err != nil {
		return err
	}
	answer(s.w, http.StatusOK, map[string]bool{"acknowledged": true})
	return nil
}

func (s store) get(id string) error {
	r, err := s.Store.Get(s.Context(), s.scope, s.typ, id)
	if errors.Is(err, datastore.ErrNotFound) {
		answer(s.w, http.StatusNotFound, s.about(id, map[string]any{"found": false}))
		return nil
	}
	if err != nil {
		return err
	}
	answer(s.w, http.StatusOK, s.about(id, map[string]any{"_version": r.Version, "found": true, "_source": r.Source}))
	return nil
}

// written answers that a record was written.
func (s store) written(r datastore.Record, status int, result string) error {
	answer(s.w, status, s.about(r.ID, map[string]any{
		"_version": r.Version, "result": result, "_shards": map[string]int{"total": 1, "successful": 1, "failed": 0},
	}))
	return nil
}

func (s store) put(id string) error {
	data, err := s.body(datastore.MaxRecord)
	if err != nil {
		return err
	}
	if data = bytes.TrimSpace(data); len(data) == 0 || data[0] != '{' || !json.Valid(data) {
		return failure(http.StatusBadRequest, "the body is not a JSON object")
	}
	if id == "" {
		id = uuid.NewString()
	}
	if err := s.rent(); err != nil {
		return err
	}
	r, err := s.Put(s.Context(), s.scope, s.typ, id, data)
	if err != nil {
		return err
	}
	if r.Version == 1 {
		return s.written(r, http.StatusCreated, "created")
	}
	return s.written(r, http.StatusOK, "updated")
}

func (s store) remove(id string) error {
	r, err := s.Delete(s.Context(), s.scope, s.typ, id)
	if errors.Is(err, datastore.ErrNotFound) {
		answer(s.w, http.StatusNotFound, s.about(id, map[string]any{"result": "not_found"}))
		return nil
	}
	if err != nil {
		return err
	}
	r.Version++
	return s.written(r, http.StatusOK, "deleted")
}

// search answers with all records of the type, page by page; it knows no other query.
func (s store) search() error {
	data, err := s.body(maxBody)
	if err != nil {
		return err
	}
	q := struct {
		From  int                        `json:"from"`
		Size  int                        `json:"size"`
		Query map[string]json.RawMessage `json:"query"`
	}{Size: usualHits}
	if len(bytes.TrimSpace(data)) > 0 && json.Unmarshal(data, &q) != nil || q.From < 0 || q.Size < 0 {
		return failure(http.StatusBadRequest, "the body is not a search")
	}
	if _, all := q.Query["match_all"]; len(q.Query) > 0 && (!all || len(q.Query) > 1) {
		return failure(http.StatusBadRequest, "the only query is match_all")
	}
	from, size := min(q.From, datastore.MaxRecords), min(q.Size, mostHits)
	list, total, err := s.List(s.Context(), s.scope, s.typ, from, size, hitBytes)
	if err != nil {
		return err
	}
	hits := []map[string]any{}
	for _, r := range list {
		hits = append(hits, s.about(r.ID, map[string]any{"_score": 1, "_source": r.Source}))
	}
	answer(s.w, http.StatusOK, map[string]any{"timed_out": false, "hits": map[string]any{"total": total, "max_score": 1, "hits": hits}})
	return nil
}
