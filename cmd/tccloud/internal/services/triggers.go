package services

import (
	"context"
	"maps"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
)

// answerWithin is how long the App has to answer a trigger's configuration.
const answerWithin = 30 * time.Second

// attendAll has each App of this gateway's servers know its triggers.
func (s *Services) attendAll(ctx context.Context) {
	s.mu.Lock()
	var all []*talk
	for _, t := range s.talks {
		all = append(all, t)
	}
	s.mu.Unlock()
	for _, t := range all {
		if err := s.attend(ctx, t); err != nil && ctx.Err() == nil {
			s.Logger.Warn("service App not attended to, trying again", "order", t.ref, "err", err)
		}
	}
}

// attend notes that the App is ready, tells it how much to log, and gives it the triggers that it lacks.
func (s *Services) attend(ctx context.Context, t *talk) error {
	id, _ := serviceOf(t.ref.Order)
	v := s.byID(id)
	if v == nil {
		return nil
	}
	t.mu.Lock()
	state, gave := t.state.State, t.gave
	t.gave = nil
	t.mu.Unlock()
	for _, m := range gave {
		s.given(ctx, t, &v.Service, m)
	}
	if v = s.byID(id); v == nil { // what was given has changed
		return nil
	}
	inst := v.State.of(t.ref.Order)
	if inst == nil || state != wire.ServiceReady {
		return nil
	}
	if inst.Ready.IsZero() || inst.Attempt != t.ref.Attempt {
		s.Logger.Info("service is ready", "service", v.Service.Name, "order", t.ref, "server", t.xid)
		_, err := s.changeState(ctx, v.Service.Name, func(_ *Service, st *State) error {
			i := st.of(t.ref.Order)
			if i == nil || !i.Ready.IsZero() && i.Attempt == t.ref.Attempt {
				return errUnchanged
			}
			i.sawReady(t.ref.Attempt, t.xid, s.now())
			return nil
		})
		return err
	}
	if level := v.Service.LogLevel; level != inst.LogLevel && level != "" {
		return s.tellLevel(ctx, t, &v.Service, level)
	}
	if v.State.Current != inst || len(v.State.Old) > 0 && s.now().Sub(inst.Ready) < endWithin {
		return nil // another one may have the triggers still
	}
	for _, tr := range v.Service.Triggers {
		if _, ok := inst.Triggers[tr.ID]; !ok {
			t.give(&v.Service, tr)
		}
	}
	for id := range inst.Triggers {
		if v.Service.trigger(id) == nil {
			t.take(&v.Service, id)
		}
	}
	return nil
}

// tellLevel tells the App how much to log. No App answers to that.
func (s *Services) tellLevel(ctx context.Context, t *talk, v *Service, level string) error {
	if err := t.say(map[string]any{"command": "LoggingChange", "level": level}); err != nil {
		return err
	}
	_, err := s.changeState(ctx, v.Name, func(_ *Service, st *State) error {
		i := st.of(t.ref.Order)
		if i == nil || i.Attempt != t.ref.Attempt {
			return errUnchanged
		}
		i.LogLevel = level
		return nil
	})
	return err
}

// give gives the App a trigger, unless that was done a moment ago.
func (t *talk) give(v *Service, tr Trigger) {
	token, expires := t.s.Orders.Token(t.ref)
	message := map[string]any{
		"command": "CreateConfig", "appId": v.ID, "apiToken": token, "expireSeconds": expires.Unix(),
		"triggerId": tr.ID, "config": tr.config(),
	}
	t.ask(v, tr.ID, message)
}

// config is what the App is told of a trigger. [Service.Check] bounds its size.
func (tr *Trigger) config() map[string]string {
	config := map[string]string{"tc_playbook_out_variables": strings.Join(tr.Outputs, ",")}
	maps.Copy(config, tr.Params)
	return config
}

// take takes a trigger away from the App.
func (t *talk) take(v *Service, id int64) {
	t.ask(v, id, map[string]any{"command": "DeleteConfig", "appId": v.ID, "triggerId": id})
}

func (t *talk) ask(v *Service, trigger int64, message map[string]any) {
	t.mu.Lock()
	asked, asking := t.giving[trigger]
	again := !asking || !asked.IsZero() && time.Since(asked) > answerWithin
	if again {
		t.giving[trigger] = time.Now()
	}
	t.mu.Unlock()
	if !again {
		return
	}
	if asking {
		t.s.Logger.Warn("service App did not answer, asking again", "service", v.Name, "trigger", trigger, "command", message["command"])
	}
	if err := t.say(message); err != nil {
		t.s.Logger.Warn("service App was not told", "service", v.Name, "trigger", trigger, "err", err)
	}
}

// given stores what the App made of a trigger.
func (s *Services) given(ctx context.Context, t *talk, v *Service, m saying) {
	problem := ""
	if !strings.EqualFold(m.Status, "Success") {
		problem = plain.Head(plain.Line(m.Message), maxWords)
	}
	_, err := s.changeState(ctx, v.Name, func(_ *Service, st *State) error {
		i := st.of(t.ref.Order)
		if i == nil || i.Attempt != t.ref.Attempt {
			return errUnchanged
		}
		if i.Triggers == nil {
			i.Triggers = map[int64]Given{}
		}
		if m.Type == "DeleteConfig" {
			delete(i.Triggers, m.TriggerID)
		} else {
			i.Triggers[m.TriggerID] = Given{Problem: problem, At: s.now()}
		}
		return nil
	})
	t.mu.Lock()
	delete(t.giving, m.TriggerID)
	t.mu.Unlock()
	switch {
	case err != nil:
		s.Logger.Warn("what a service made of its trigger was not stored, asking again", "service", v.Name, "trigger", m.TriggerID, "err", err)
	case problem != "":
		s.Logger.Warn("service does not take a trigger", "service", v.Name, "trigger", m.TriggerID, "message", problem)
	}
	s.nudge()
}
