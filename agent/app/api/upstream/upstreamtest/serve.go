package upstreamtest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Set-Cookie", "JSESSIONID=secret-session")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left
}

func success(w http.ResponseWriter, data map[string]any) {
	answer(w, http.StatusOK, map[string]any{"status": "Success", "data": data})
}

// serve answers as far as Apps in tests ask.
func (i *Instance) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api")
	switch {
	case path == "/v2/owners":
		success(w, map[string]any{"resultCount": 1, "owner": []map[string]any{{"id": 1, "name": "Instance", "type": "Organization"}}})
	case path == "/v2/types/indicatorTypes":
		success(w, map[string]any{"resultCount": 1, "indicatorType": []map[string]any{{"name": "Host", "apiBranch": "hosts", "apiEntity": "host"}}})
	case path == "/v2/batch" && r.Method == http.MethodPost:
		i.create(w, r)
	case strings.HasPrefix(path, "/v2/batch/"):
		i.batch(w, r, strings.TrimPrefix(path, "/v2/batch/"))
	case strings.HasPrefix(path, "/v2/exchange/db/"):
		i.record(w, r, path)
	case strings.HasPrefix(path, "/v2/customMetrics"):
		i.metric(w, r)
	case path == "/v3/indicators":
		answer(w, http.StatusOK, map[string]any{"status": "Success", "count": 0, "data": []any{}})
	default:
		answer(w, http.StatusNotFound, map[string]any{"status": "Failure", "message": "Resource Not Found"})
	}
}

func (i *Instance) create(w http.ResponseWriter, r *http.Request) {
	var settings struct{ Owner string }
	if json.NewDecoder(r.Body).Decode(&settings) != nil || settings.Owner == "" {
		answer(w, http.StatusBadRequest, map[string]any{"status": "Failure", "message": "owner"})
		return
	}
	i.Lock()
	id := len(i.jobs) + 1
	i.jobs[strconv.Itoa(id)] = map[string]any{"id": id, "status": "Created"}
	i.Unlock()
	answer(w, http.StatusCreated, map[string]any{"status": "Success", "data": map[string]any{"batchId": id}})
}

func (i *Instance) batch(w http.ResponseWriter, r *http.Request, id string) {
	i.Lock()
	job := maps.Clone(i.jobs[id])
	i.Unlock()
	switch {
	case job == nil:
		answer(w, http.StatusNotFound, map[string]any{"status": "Failure", "message": "no such batch"})
	case r.Method == http.MethodGet:
		success(w, map[string]any{"batchStatus": job})
	default:
		i.take(w, r, id, job)
	}
}

// take reads a batch: what breaks off does not count.
func (i *Instance) take(w http.ResponseWriter, r *http.Request, id string, job map[string]any) {
	body := bufio.NewReader(r.Body)
	content := io.Reader(body)
	if magic, _ := body.Peek(2); string(magic) == "\x1f\x8b" {
		if z, err := gzip.NewReader(body); err == nil {
			content = z
		}
	}
	var all struct {
		Indicator []struct{ Summary string }
	}
	d := json.NewDecoder(content)
	err := d.Decode(&all)
	if err == nil {
		_, err = io.Copy(io.Discard, io.MultiReader(d.Buffered(), content))
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"status": "Invalid", "description": "no JSON"})
		return
	}
	i.Lock()
	for _, x := range all.Indicator {
		i.Seen[x.Summary]++
	}
	i.Batches = append(i.Batches, len(all.Indicator))
	job["status"], job["successCount"], job["errorCount"], job["unprocessCount"] = "Completed", len(all.Indicator), 0, 0
	i.jobs[id] = job
	i.Unlock()
	answer(w, http.StatusAccepted, map[string]any{"status": "Queued"})
}

// record is the data store: records by their path.
func (i *Instance) record(w http.ResponseWriter, r *http.Request, path string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	i.Lock()
	defer i.Unlock()
	old, found := i.records[path]
	switch method := r.Header.Get("DB-Method"); {
	case method == http.MethodPost || method == http.MethodPut:
		i.records[path] = string(body)
		answer(w, http.StatusOK, map[string]any{"result": "updated"})
	case !found:
		answer(w, http.StatusNotFound, map[string]any{"found": false})
	case method == http.MethodDelete:
		delete(i.records, path)
		answer(w, http.StatusOK, map[string]any{"result": "deleted"})
	default:
		answer(w, http.StatusOK, map[string]any{"found": true, "_source": json.RawMessage(old)})
	}
}

func (i *Instance) metric(w http.ResponseWriter, r *http.Request) {
	i.Lock()
	defer i.Unlock()
	switch {
	case r.Method == http.MethodGet:
		success(w, map[string]any{"resultCount": len(i.metrics), "customMetricConfig": i.metrics})
	case strings.HasSuffix(r.URL.Path, "/data"):
		i.values++
		w.WriteHeader(http.StatusNoContent)
	default:
		m := map[string]any{"id": len(i.metrics) + 1}
		_ = json.NewDecoder(r.Body).Decode(&m) // a test sends JSON
		i.metrics = append(i.metrics, m)
		success(w, map[string]any{"customMetricConfig": m})
	}
}
