package launch

import (
	"net/url"
	"strconv"
	"strings"
)

// keyValueAPI is the key-value store that Apps of an Environment Server use.
const keyValueAPI = "TCKeyValueAPI"

// usualParams are the defaults of parameters that every App gets. A job gets a log level only from
// its own configuration.
func (b *builder) usualParams() map[string]string {
	p := map[string]string{"tc_log_to_api": "false"}
	if b.execution.Playbook || b.execution.Service != nil {
		p["tc_log_level"] = "info"
	}
	return p
}

// ownParams are the tc_* parameters that this host knows better than the cloud, all as text.
func (b *builder) ownParams() map[string]string {
	e := b.execution
	p := map[string]string{
		"tc_api_path":       e.APIPath,
		"tc_in_path":        b.in,
		"tc_out_path":       b.out,
		"tc_log_path":       b.log,
		"tc_temp_path":      b.tmp,
		"tc_log_file":       "app.log",
		"tc_verify":         "true",
		"tc_proxy_tc":       strconv.FormatBool(e.Proxy.Host != "" && e.Proxy.TC),
		"tc_proxy_external": strconv.FormatBool(e.Proxy.Host != "" && e.Proxy.External),
	}
	if e.Token != "" {
		p["tc_token"] = e.Token
		if !e.TokenExpires.IsZero() {
			p["tc_token_expires"] = strconv.FormatInt(e.TokenExpires.Unix(), 10)
		}
	}
	if e.Proxy.Host != "" {
		p["tc_proxy_host"] = e.Proxy.Host
		p["tc_proxy_port"] = strconv.Itoa(e.Proxy.Port)
		if e.Proxy.Username != "" {
			p["tc_proxy_username"] = e.Proxy.Username
			p["tc_proxy_password"] = e.Proxy.Password
		}
	}
	if b.manifest.MainAppClass != "" {
		p["tc_main_app_class"] = b.manifest.MainAppClass
	}
	if b.mode() == bySecure {
		p["tc_secure_params"] = "true"
	}
	switch {
	case e.Playbook:
		b.keyValueParams(p)
	case e.Service != nil:
		b.serviceParams(p)
	}
	return p
}

// keyValueParams adds both families of names. Java and frameworks up to version 3 know the db_
// names; frameworks from version 4 on fail without the others.
func (b *builder) keyValueParams(p map[string]string) {
	e := b.execution
	path := e.APIPath + "/internal/playbooks/keyValue"
	port := "443"
	if u, err := url.Parse(e.APIPath); err == nil && u.Port() != "" {
		port = u.Port()
	}
	for name, value := range map[string]string{
		"tc_playbook_db_type":    keyValueAPI,
		"tc_playbook_db_path":    path, // Java appends "/" and the key
		"tc_playbook_db_port":    port,
		"tc_playbook_db_context": e.KVContext,

		"tc_kvstore_type":             keyValueAPI,
		"tc_kvstore_host":             path,
		"tc_kvstore_port":             port,
		"tc_kvstore_tls_enabled":      "false",
		"tc_playbook_kvstore_id":      "0",
		"tc_cache_kvstore_id":         "10",
		"tc_playbook_kvstore_context": e.KVContext,

		"tc_playbook_out_variables": strings.Join(e.OutVariables, ","),
	} {
		p[name] = value
	}
}
