package console

import (
	"io"
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/client"
)

// send answers with a file that the cloud sends. The browser keeps it, and never shows it.
func (q *request) send(f client.Download) error {
	defer f.Close()
	h := q.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", "attachment")
	if d := f.Header.Get("Content-Disposition"); d != "" {
		h.Set("Content-Disposition", d)
	}
	h.Set("Cache-Control", "no-store")
	if _, err := io.Copy(q.w, f); err != nil {
		panic(http.ErrAbortHandler) // it must not look complete
	}
	return nil
}
