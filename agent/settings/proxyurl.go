package settings

import (
	"maps"
	"net/url"
	"strings"
)

// Apart takes the value of proxyHost apart where it is a whole URL, as other programs have it in
// HTTPS_PROXY: its port, user name and password become the settings of these names. What is no such
// URL, or says something else than another of the changes, stays as it is, and is refused.
func Apart(changes map[string]string) map[string]string {
	apart := apart(anyMap(changes))
	texts := make(map[string]string, len(apart))
	for name, v := range apart {
		texts[name], _ = v.(string)
	}
	return texts
}

// apart is [Apart] for a layer.
func apart(layer map[string]any) map[string]any {
	var key string
	given := map[string]bool{}
	for k, v := range layer {
		s, _ := Lookup(k)
		given[s.Name] = v != nil && v != ""
		if s.Name == "proxyHost" {
			key = k
		}
	}
	text, _ := layer[key].(string)
	parts := partsOf(text)
	if parts == nil {
		return layer
	}
	next := maps.Clone(layer)
	for name, part := range parts {
		switch {
		case name == "proxyHost":
			next[key] = part
		case part != "" && given[name]:
			return layer
		case part != "":
			for k := range layer { // an empty one, perhaps in other case
				if s, _ := Lookup(k); s.Name == name {
					delete(next, k)
				}
			}
			next[name] = part
		}
	}
	return next
}

// partsOf returns the settings that the URL of a proxy stands for, nil where text is none or has no
// more than a scheme and a host.
func partsOf(text string) map[string]string {
	scheme := proxyScheme.FindString(text)
	rest := strings.TrimSuffix(text[len(scheme):], "/")
	if !strings.ContainsAny(rest, "@:") {
		return nil
	}
	u, err := url.Parse("http://" + rest)
	if err != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || !validHost(u.Hostname()) || u.Port() == "" && u.User == nil {
		return nil
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	parts := map[string]string{"proxyHost": scheme + host, "proxyPort": u.Port()}
	if u.User != nil {
		parts["proxyUsername"] = u.User.Username()
		parts["proxyPassword"], _ = u.User.Password()
	}
	return parts
}

// proxyVariables are where other programs are told of a proxy, the first first.
var proxyVariables = []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}

// OtherProxy is a proxy that other programs use. The Environment Server uses that of its settings
// only.
type OtherProxy struct {
	Variable string `json:"variable"` // of the environment that names it
	Host     string `json:"host"`
	Port     string `json:"port,omitempty"`
}

// FindOtherProxy returns the proxy that an environment names, nil if it names none.
func FindOtherProxy(environ []string) *OtherProxy {
	for _, variable := range proxyVariables {
		for _, v := range environ {
			text, found := strings.CutPrefix(v, variable+"=")
			if found && !strings.Contains(text, "://") {
				text = "http://" + text
			}
			if u, err := url.Parse(text); found && err == nil && validHost(u.Hostname()) {
				return &OtherProxy{variable, u.Hostname(), u.Port()}
			}
		}
	}
	return nil
}
