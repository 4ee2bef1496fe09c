package console_test

import (
	"io"
	"net/http"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// serveApps answers below apps/.
func (f *fakeAPI) serveApps(w http.ResponseWriter, r *http.Request, name string) {
	switch name, _, _ := strings.Cut(name, "/"); {
	case r.Method == http.MethodPost:
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			refuse(w, http.StatusBadRequest, v1.CodeBadRequest, "the package did not arrive")
			return
		}
		f.added, f.signature, f.replaced = n, r.Header.Get(v1.HeaderAppSignature), r.URL.Query().Get("replace") == "true"
		send(w, v1.AddedApp{App: v1.App{AppRef: wire.AppRef{Name: "New", Version: "1.0"}}})
	case name == "":
		send(w, f.apps)
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		version := r.URL.Query().Get("version")
		for _, a := range f.apps {
			if a.Name == name && (version == "" || a.Version == version) {
				send(w, a)
				return
			}
		}
		refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no App "+name)
	}
}

// formApp has a parameter of each sort.
const formApp = "TC - Feed"

func someApps(now time.Time) []v1.App {
	app := func(name, version string, runtime wire.Runtime, params ...catalog.Param) v1.App {
		return v1.App{AppRef: wire.AppRef{Name: name, Version: version, Size: 48123, SHA256: "ab12"}, DisplayName: name, Language: "python", RuntimeLevel: "organization", Runtime: runtime, Params: params, TimeoutMinutes: 30, Added: now}
	}
	signed := app(formApp, "2.0.0", wire.RuntimeJob,
		catalog.Param{Name: "last", Type: "String", Label: "Last of all", Sequence: 9},
		catalog.Param{Name: "token", Type: "String", Label: "API token", Required: true, Encrypt: true, Note: "Ask your account manager."},
		catalog.Param{Name: "level", Type: "Choice", Label: "Level", Required: true, Default: "info", Values: []string{"debug", "info"}},
		catalog.Param{Name: "kinds", Type: "MultiChoice", Label: "Kinds", Default: "Host|URL", Values: []string{"Host", "URL", "File", hostile}},
		catalog.Param{Name: "owner", Type: "Choice", Label: "Owner", Values: []string{"${OWNERS}"}},
		catalog.Param{Name: "region", Type: "EditChoice", Label: "Region", Values: []string{"eu", "us"}},
		catalog.Param{Name: "dry", Type: "Boolean", Label: "Dry run", Default: "true"},
		catalog.Param{Name: "headers", Type: "KeyValueList", Label: "Headers"},
		catalog.Param{Name: "secret_default", Type: "String", Label: "Proxy password", Encrypt: true, Default: "do-not-show-me"},
		catalog.Param{Name: "internal", Type: "String", Hidden: true, Default: "x"},
		catalog.Param{Name: hostile, Type: "String", Label: hostile, Note: hostile, Default: hostile},
	)
	signed.SignedBy = "3f9a"
	hook := app("Hook", "1.2.0", wire.RuntimeWebhookTriggerService,
		catalog.Param{Name: "level", Type: "Choice", Label: "Level", Values: []string{"debug", "info"}},
		catalog.Param{Name: "secret", Type: "String", Label: "Shared secret", Required: true, Encrypt: true, Trigger: true},
		catalog.Param{Name: hostile, Type: "String", Note: hostile, Trigger: true},
	)
	hook.Outputs = []catalog.Output{{Name: "body", Type: "String"}}
	plain := app("Plain", "1.0", wire.RuntimePlaybook, catalog.Param{Name: "loud", Type: "Boolean", Label: "Loud"})
	plain.Outputs = []catalog.Output{{Name: "out", Type: "String"}, {Name: "all", Type: "StringArray"}}
	lookup := app("Lookup", "1.0", wire.RuntimeAPIService, catalog.Param{Name: "key", Type: "String", Label: "Key", Encrypt: true})
	return []v1.App{signed, app(formApp, "1.0.0", wire.RuntimeJob), plain, hook, lookup, app(hostile, "1.0", wire.RuntimeAPIService)}
}
