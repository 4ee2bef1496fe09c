package launch

import (
	"log/slog"
	"time"

	"tcenvsvr/agent/job"
)

// Execution is the input of one run of an App. It prints as "[redacted]", because parameters and
// tokens are secrets.
type Execution struct {
	Session string // name of the session, becomes job.Launch.ID
	JobDir  string // absolute; in, out, log and tmp are in it

	AppParams map[string]string // the App's own inputs, clear
	Defaults  map[string]string // further tc_* and api_* from the cloud; AppParams and our own win
	// Bound says that the App must get these parameters and no others: it is not told to ask the API
	// for them (secureParams).
	Bound bool

	APIPath      string    // tc_api_path, ends in /api
	Token        string    // tc_token
	TokenExpires time.Time // of Token; zero = not told
	// Playbook selects the key-value parameters; KVContext and OutVariables belong to them.
	Playbook     bool
	KVContext    string
	OutVariables []string

	Service *Service // of the App of a service; nil = it is none

	Proxy     Proxy
	TrustEnv  []string // NAME=value for every App: SSL_CERT_FILE …
	TrustArgs []string // options for java: -Djavax.net.ssl.trustStore=…

	Classes Classes // what a Java App's JVM does with its classes

	JavaHome      string // appsJavaHome: a JDK's folder or its java; "" = look it up
	PythonHome    string // appsPythonHome: the same for Python before 3.11
	PythonHome311 string // appsPythonHome311
	Path          string // PATH to look in after the usual folders

	Timeout   time.Duration // of the run; 0 = none
	Grace     time.Duration // TERM to KILL; 0 = job's default
	MaxOutput int64         // bytes kept of each of stdout and stderr; 0 = job's default
	Limits    job.Limits
	// Isolation is what every App sees of the host; [Build] adds what this App needs.
	Isolation job.Isolation
}

// Proxy is the customer's proxy. TC and External say which connections of Apps use it.
type Proxy struct {
	Scheme   string // http, https or socks5: how to speak to the proxy; "" = http
	Host     string // "" = no proxy
	Port     int
	Username string
	Password string
	TC       bool // connections to the platform
	External bool // all others
}

// String names the execution without its secrets.
func (e Execution) String() string { return "execution " + e.Session + " [redacted]" }

// GoString is String.
func (e Execution) GoString() string { return e.String() }

// LogValue is String.
func (e Execution) LogValue() slog.Value { return slog.StringValue(e.String()) }

// String names the proxy without its password.
func (p Proxy) String() string { return p.Host + " [redacted]" }

// GoString is String.
func (p Proxy) GoString() string { return p.String() }
