package console

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/url"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// appsData is what the page of all Apps shows.
type appsData struct {
	Apps []appLine
}

// appLine is an App in its newest version.
type appLine struct {
	v1.App
	Href, Run string
	Versions  int
}

func loadApps(q *request) (any, error) {
	list, err := q.cloud.Apps(q.Context()) // by name and newest version first
	if err != nil {
		return nil, err
	}
	d := appsData{}
	for _, a := range list {
		if n := len(d.Apps); n > 0 && d.Apps[n-1].Name == a.Name {
			d.Apps[n-1].Versions++
			continue
		}
		line := appLine{App: a, Href: appPath(a.Name), Versions: 1}
		if !a.Runtime.Service() {
			line.Run = line.Href + "/run"
		}
		d.Apps = append(d.Apps, line)
	}
	return d, nil
}

// maxUpload bounds an upload's form: the package, its signature, and what is around them.
const maxUpload = wire.MaxAppSize + 1<<20

// uploadApp hands a package on to the API as it comes. The fields before the file say what to do with
// it.
func uploadApp(q *request) (done, error) {
	var signed []byte
	replace := false
	return q.upload("package", "choose a package: a .tcx file", maxUpload, func(part *multipart.Part) (err error) {
		switch part.FormName() {
		case "signature":
			signed, err = small(part)
		case "replace":
			replace = true
		}
		return err
	}, func(tcx *multipart.Part) (done, error) {
		added, err := q.cloud.AddApp(q.Context(), tcx, signed, replace)
		if err != nil {
			return done{}, err
		}
		return done{say: addedWords(added), to: "apps/" + url.PathEscape(added.Name)}, nil
	})
}

// small reads a signature's text; nil: no file was chosen.
func small(part *multipart.Part) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(part, catalog.MaxSignature+1))
	switch {
	case err != nil:
		return nil, &invalid{"the upload was interrupted"}
	case len(text) > catalog.MaxSignature:
		return nil, &invalid{"the signature is too long to be one"}
	case len(text) == 0:
		return nil, nil
	}
	return text, nil
}

func addedWords(a v1.AddedApp) string {
	say := fmt.Sprintf("%s %s was added.", a.Name, a.Version)
	if len(a.Warnings) > 0 {
		say += " Odd about it: " + strings.Join(a.Warnings, "; ") + "."
	}
	return say
}
