package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/logging/plain"
)

const maxTrigger = 9999

// control opens the socket by which whoever runs the service, and nobody else, gives it further triggers, until ctx
// ends:
//
//	PUT /trigger/ID with {"name":"value",…}   the App gets the trigger, with the values of trigger 1 for what is not given
//	DELETE /trigger/ID                        the App loses it
func (s *service) control(ctx context.Context, done *sync.WaitGroup) error {
	dir, err := os.MkdirTemp("", "service")
	if err != nil {
		return fmt.Errorf("making a folder for the service's socket: %w", err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "control"))
	if err != nil {
		return errors.Join(fmt.Errorf("opening the service's socket: %w", err), os.RemoveAll(dir))
	}
	s.socket = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /trigger/{id}", s.putTrigger)
	mux.HandleFunc("DELETE /trigger/{id}", s.deleteTrigger)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	done.Go(func() {
		defer stop()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.say("the socket of the service is closed: %v", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			s.say("the socket of the service was not removed: %v", err)
		}
	})
	return nil
}

func (s *service) putTrigger(w http.ResponseWriter, r *http.Request) {
	id, ok := triggerOf(w, r)
	if !ok {
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	given := map[string]string{}
	if err := json.Unmarshal(body, &given); err != nil {
		http.Error(w, `the body is no JSON object of texts, {"name":"value"}`, http.StatusBadRequest)
		return
	}
	for name := range given {
		if _, known := s.manifest.Param(name); !known {
			http.Error(w, fmt.Sprintf("the App has no parameter %.80q", name), http.StatusBadRequest)
			return
		}
	}
	config := maps.Clone(s.config)
	maps.Copy(config, given)
	if s.has(id) {
		if _, ok := s.tell(w, r, "DeleteConfig", id, nil); !ok {
			return
		}
	}
	if m, ok := s.tell(w, r, "CreateConfig", id, config); ok {
		answerTrigger(w, m, "is configured")
	}
}

func (s *service) deleteTrigger(w http.ResponseWriter, r *http.Request) {
	id, ok := triggerOf(w, r)
	if !ok {
		return
	}
	if !s.has(id) {
		http.Error(w, fmt.Sprintf("there is no trigger %d", id), http.StatusNotFound)
		return
	}
	if m, ok := s.tell(w, r, "DeleteConfig", id, nil); ok {
		answerTrigger(w, m, "is removed")
	}
}

func triggerOf(w http.ResponseWriter, r *http.Request) (int64, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 || id > maxTrigger {
		http.Error(w, fmt.Sprintf("trigger %.20q is outside 1–%d", r.PathValue("id"), maxTrigger), http.StatusBadRequest)
		return 0, false
	}
	return id, true
}

// tell has the App get or lose a trigger and waits for its answer; false: there is none, and the caller was told.
func (s *service) tell(w http.ResponseWriter, r *http.Request, command string, id int64, config map[string]string) (message, bool) {
	answers, leave := s.wait(triggerKey(command, id))
	defer leave()
	if !s.giveTrigger(command, id, config) {
		http.Error(w, "the service is not ready", http.StatusBadGateway)
		return message{}, false
	}
	m, ok := s.next(r.Context(), answers, answerTimeout)
	if !ok {
		http.Error(w, fmt.Sprintf("the service has not answered within %s", answerTimeout), http.StatusGatewayTimeout)
	}
	return m, ok
}

func answerTrigger(w http.ResponseWriter, m message, done string) {
	if m.Status != "Success" {
		http.Error(w, fmt.Sprintf("trigger %d: %s", m.TriggerID, plain.Text(m.Message)), http.StatusUnprocessableEntity)
		return
	}
	_, _ = io.WriteString(w, fmt.Sprintf("trigger %d %s\n", m.TriggerID, done))
}

// triggerKey stands for the request key that answers about triggers do not have.
func triggerKey(command string, id int64) string { return command + " " + strconv.FormatInt(id, 10) }

func (s *service) has(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.triggers[id]
}

// giveTrigger sends the App a configuration, or has it forget one.
func (s *service) giveTrigger(command string, id int64, values map[string]string) bool {
	m := map[string]any{"command": command, "triggerId": id}
	if command == "CreateConfig" {
		config := map[string]any{"tc_playbook_out_variables": strings.Join(s.outVariables(id), ",")}
		for name, value := range values {
			config[name] = value
		}
		m["config"] = config
	}
	return s.send(m)
}

func (s *service) outVariables(id int64) []string {
	if s.run.OutVariables != nil {
		return s.run.OutVariables
	}
	var all []string
	for _, o := range s.manifest.Playbook.OutputVariables {
		all = append(all, fmt.Sprintf("#Trigger:%d:%s!%s", id, o.Name, o.Type))
	}
	return all
}

// answered takes in what the App made of a trigger and tells it, with what can be done now.
func (s *service) answered(m message) {
	s.mu.Lock()
	first := len(s.triggers) == 0
	switch {
	case m.Type == "DeleteConfig":
		delete(s.triggers, m.TriggerID)
	case m.Status == "Success":
		s.triggers[m.TriggerID] = true
	}
	s.mu.Unlock()
	switch {
	case m.Type == "DeleteConfig":
		s.say("trigger %d is removed", m.TriggerID)
		return
	case m.Status != "Success":
		s.say("trigger %d was not configured: %s\nhint: --param gives the trigger its values", m.TriggerID, plain.Text(m.Message))
		return
	case s.entry != "":
		s.say("trigger %d is configured; fire it:\n  curl -d 'hello' %s/webhook/%d", m.TriggerID, s.entry, m.TriggerID)
	default:
		s.say("trigger %d is configured; what it fires is shown as\n  event trigger %d session ID", m.TriggerID, m.TriggerID)
	}
	if first {
		s.say("another trigger, as this one but for what is given, and its end:\n  curl --unix-socket %s -X PUT -d '%s' http://localhost/trigger/2\n  curl --unix-socket %s -X DELETE http://localhost/trigger/2",
			s.socket, s.example(), s.socket)
	}
}

// example is a configuration with one value that is no secret, as it can stand between quotes of a shell.
func (s *service) example() string {
	for _, name := range slices.Sorted(maps.Keys(s.config)) {
		if p, _ := s.manifest.Param(name); !p.Encrypt && s.config[name] != "" {
			if line, err := json.Marshal(map[string]string{name: s.config[name]}); err == nil && len(line) < 200 && !strings.Contains(string(line), "'") {
				return plain.Text(string(line))
			}
		}
	}
	return "{}"
}
