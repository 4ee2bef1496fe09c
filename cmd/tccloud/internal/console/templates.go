package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// templates are the pages, each with the layout around it.
type templates struct{ byName map[string]*template.Template }

func (t *templates) of(name string) *template.Template { return t.byName[name] }

// parseTemplates reads all pages. layout.html and what begins with _ is part of each.
func parseTemplates() (*templates, error) {
	base, err := template.New("").Funcs(functions).ParseFS(pageFiles, "pages/layout.html", "pages/_*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(pageFiles, "pages/[a-z]*.html")
	if err != nil {
		return nil, err
	}
	t := &templates{byName: map[string]*template.Template{}}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" {
			continue
		}
		one, err := base.Clone()
		if err == nil {
			one, err = one.ParseFS(pageFiles, file)
		}
		if err != nil {
			return nil, err
		}
		t.byName[name] = one.Option("missingkey=error")
	}
	return t, nil
}

// assetPath is where the assets are: its name changes with any of them, so that browsers keep them
// for ever.
var assetPath = Prefix + "assets/" + digest(assetFiles) + "/"

func digest(files fs.FS) string {
	h := sha256.New()
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		h.Write([]byte(name))
		h.Write(data)
		return err // of an embedded file there is none
	})
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// assets serves styles and scripts.
func assets() http.Handler {
	files := http.StripPrefix(assetPath, http.FileServerFS(sub(assetFiles, "assets")))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, assetPath) || strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		files.ServeHTTP(w, r)
	})
}

func sub(files fs.FS, dir string) fs.FS {
	below, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the name is fixed
	}
	return below
}

// sentence makes one of an error's text.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	s = string(unicode.ToUpper(r)) + s[n:]
	if last, _ := utf8.DecodeLastRuneInString(s); !unicode.IsPunct(last) || last == '"' || last == ')' {
		s += "."
	}
	return s
}
