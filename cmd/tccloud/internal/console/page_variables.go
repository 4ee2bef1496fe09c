package console

import (
	"strings"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

func loadVariables(q *request) (any, error) {
	list, err := q.cloud.Variables(q.Context())
	if list == nil {
		list = []v1.Variable{}
	}
	return list, err
}

// variableOf is the variable that a form names.
func variableOf(q *request) (source, id string, err error) {
	source, id = q.PostForm.Get("source"), strings.TrimSpace(q.PostForm.Get("id"))
	if err := api.CheckVariable(source, id); err != nil {
		return "", "", &invalid{err.Error()}
	}
	return source, id, nil
}

// setVariable has the line breaks of files: those of forms are CR LF.
func setVariable(q *request) (done, error) {
	source, id, err := variableOf(q)
	if err == nil {
		err = q.cloud.SetVariable(q.Context(), source, id, strings.ReplaceAll(q.PostForm.Get("data"), "\r\n", "\n"))
	}
	if err != nil {
		return done{}, err
	}
	return done{say: "Variable " + source + " " + id + " was set.", to: "variables"}, nil
}

func removeVariable(q *request) (done, error) {
	source, id, err := variableOf(q)
	if err == nil {
		err = q.cloud.DeleteVariable(q.Context(), source, id)
	}
	if err != nil {
		return done{}, err
	}
	return done{say: "Variable " + source + " " + id + " was removed.", to: "variables"}, nil
}
