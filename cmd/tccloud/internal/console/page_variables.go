package console

import (
	"strings"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

func loadVariables(q *request) (any, error) {
	list, err := q.cloud.Variables(q.Context())
	if list == nil {
		list = []v1.Variable{}
	}
	return list, err
}

// setVariable has the line breaks of files: those of forms are CR LF.
func setVariable(q *request) (done, error) {
	f := q.PostForm
	source, id := f.Get("source"), strings.TrimSpace(f.Get("id"))
	if err := q.cloud.SetVariable(q.Context(), source, id, strings.ReplaceAll(f.Get("data"), "\r\n", "\n")); err != nil {
		return done{}, err
	}
	return done{say: "Variable " + source + " " + id + " was set.", to: "variables"}, nil
}

func removeVariable(q *request) (done, error) {
	source, id := q.PostForm.Get("source"), q.PostForm.Get("id")
	if err := q.cloud.DeleteVariable(q.Context(), source, id); err != nil {
		return done{}, err
	}
	return done{say: "Variable " + source + " " + id + " was removed.", to: "variables"}, nil
}
