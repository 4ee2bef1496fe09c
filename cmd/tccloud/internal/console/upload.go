package console

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/pace"
)

// upload reads a form with a file as it comes, and bounds it. It hands the parts before the file over,
// which say what to do with it, and then the file, which the API gets while it comes.
func (q *request) upload(file, missing string, most int64, before func(*multipart.Part) error, take func(*multipart.Part) (done, error)) (done, error) {
	q.Body = http.MaxBytesReader(q.w, q.Body, most)
	body := *q.Request
	body.Body = io.NopCloser(pace.NewReader(q.w, q.Body))
	parts, err := body.MultipartReader()
	if err != nil {
		return done{}, &invalid{missing}
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return done{}, &invalid{missing}
		case err != nil:
			return done{}, &invalid{"the upload was interrupted"}
		case part.FormName() == file && part.FileName() == "":
			return done{}, &invalid{missing}
		case part.FormName() == file:
			return take(part)
		}
		if err := before(part); err != nil {
			return done{}, err
		}
	}
}
