package platform

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
)

// Limits of a notification.
const (
	maxMessage = 64 << 10
	maxTopic   = 50
)

// notify keeps a notification: this cloud has nobody to send it to but its operators.
func (p *Platform) notify(c *call) error {
	var q struct {
		Type           string `json:"notificationType"`
		Priority       string `json:"priority"`
		Message        string `json:"message"`
		Recipients     string `json:"recipients"`
		IsOrganization bool   `json:"isOrganization"`
		OwnerID        int    `json:"ownerId"`
	}
	if err := c.read(2*maxMessage, &q); err != nil { // escaped, it may be longer
		return err
	}
	priority := strings.ToLower(q.Priority)
	switch {
	case q.Message == "" || len(q.Message) > maxMessage:
		return failure(http.StatusBadRequest, "message has 1 to %d bytes", maxMessage)
	case q.Type == "" || utf8.RuneCountInString(q.Type) > maxTopic || strings.EqualFold(q.Type, "system"):
		return failure(http.StatusBadRequest, "notificationType has 1 to %d characters and is not System", maxTopic)
	case priority != "low" && priority != "medium" && priority != "high":
		return failure(http.StatusBadRequest, "priority is low, medium or high")
	case q.Recipients == "" && !q.IsOrganization && q.OwnerID == 0:
		return failure(http.StatusBadRequest, "recipients, isOrganization or ownerId says who gets it")
	}
	_, err := p.Artifacts.Create(c.Context(), c.Ref(), artifact.Artifact{
		Kind: artifact.Notification, State: artifact.Completed, Message: q.Message, Priority: priority, Topic: q.Type,
	})
	if err != nil {
		return err
	}
	answer(c.w, http.StatusOK, map[string]string{"status": "Success"})
	return nil
}
