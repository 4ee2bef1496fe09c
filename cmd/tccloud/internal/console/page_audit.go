package console

import (
	"strings"

	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// auditData is what a page of the audit log shows.
type auditData struct {
	Entries []auditLine
	Before  string // the cursor that the page was asked for with; "" = the newest
	Older   string // the cursor of the next page; "" = there is none
}

// auditLine is one entry.
type auditLine struct {
	v1.AuditEntry
	State, Words string
}

// auditEntries are on one page.
const auditEntries = 100

func loadAudit(q *request) (any, error) {
	d := auditData{Before: q.URL.Query().Get("before")}
	list, err := q.cloud.Audit(q.Context(), d.Before, auditEntries+1)
	if err != nil {
		return nil, err
	}
	if len(list) > auditEntries {
		list = list[:auditEntries]
		d.Older = list[auditEntries-1].ID
	}
	for _, e := range list {
		line := auditLine{e, "green", "Done"}
		if e.Outcome != audit.OK {
			line.State, line.Words = "red", "Not done: "+e.Outcome
		}
		line.Action = strings.Replace(e.Action, " "+v1.Prefix, " ", 1) // all but sign-ins have it
		d.Entries = append(d.Entries, line)
	}
	return d, nil
}
