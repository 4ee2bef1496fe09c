package console

import (
	"net/url"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// appData is what the page of one App shows.
type appData struct {
	v1.App
	Path      string // of its pages
	Run       string // "" where it is not run by hand
	Keep      string // creates what runs it by itself: a Job or a service; "" where nothing does
	KeepWords string
	Versions  []versionLine
}

// versionLine is a version of the App.
type versionLine struct {
	v1.App
	Href  string
	Shown bool
}

// Title implements titled.
func (d appData) Title() string { return d.Name + " " + d.Version }

func loadApp(q *request) (any, error) {
	app, err := q.cloud.App(q.Context(), q.PathValue("name"), q.URL.Query().Get("version"))
	if err != nil {
		return nil, err
	}
	list, err := q.cloud.Apps(q.Context())
	if err != nil {
		return nil, err
	}
	d := appData{App: app, Path: appPath(app.Name)}
	version := "?" + url.Values{"version": {app.Version}}.Encode()
	if !app.Runtime.Service() {
		d.Run = d.Path + "/run" + version
	}
	of := url.Values{"app": {app.Name}}
	switch {
	case isJob(app.Runtime):
		d.Keep, d.KeepWords = link(Prefix+newJobPath, of), "Create Job"
	case app.Runtime.Service():
		d.Keep, d.KeepWords = link(Prefix+newServicePath, of), "Create service"
	}
	for _, a := range list {
		if a.Name == app.Name {
			d.Versions = append(d.Versions, versionLine{a, d.Path + "?" + url.Values{"version": {a.Version}}.Encode(), a.Version == app.Version})
		}
	}
	return d, nil
}

func removeApp(q *request) (done, error) {
	name, version := q.PathValue("name"), q.PostForm.Get("version")
	if version == "" {
		return done{}, &invalid{"choose a version"}
	}
	if err := q.cloud.RemoveApp(q.Context(), name, version, q.PostForm.Get("force") == "true"); err != nil {
		return done{}, err
	}
	return done{say: name + " " + version + " was removed.", to: "apps"}, nil
}
