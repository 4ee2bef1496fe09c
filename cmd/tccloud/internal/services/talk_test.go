package services

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWebhookAnswers: an App that is busy with others answers a webhook when it comes to it; where it has
// acknowledged one and says nothing more, the caller gets an answer without content.
func TestWebhookAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := &pending{make(chan saying, 1), true}, &pending{make(chan saying, 1), true}
		k := &talk{pending: map[string]*pending{"one": one, "two": two}}
		for range 30 {
			k.hear(saying{Command: "Acknowledged", RequestKey: "one", Type: "WebhookEvent"})
			time.Sleep(time.Second)
			k.hear(saying{Command: "Acknowledged", RequestKey: "two", Type: "WebhookEvent"})
		}
		k.hear(saying{Command: "WebhookEventResponse", RequestKey: "one"})
		if m := <-one.answer; m.Command != "WebhookEventResponse" {
			t.Errorf("a busy App's webhook got %+v", m)
		}
		begin := time.Now()
		if m := <-two.answer; m.Command != "Acknowledged" || time.Since(begin) != afterAcknowledged {
			t.Errorf("got %+v after %s", m, time.Since(begin))
		}
	})
}
