package controlapi

import (
	"cmp"
	"time"

	"tcenvsvr/agent"
	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/archive"
	"tcenvsvr/agent/app/templates"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/directory"
	"tcenvsvr/agent/settings"
)

// Status is what "tcenvsvr status" shows.
type Status struct {
	agent.Status
	// Locked is why the service waits for its master password; all else is empty then.
	Locked      string     `json:"locked,omitempty"`
	Environment string     `json:"environment"`
	Link        link.State `json:"link"`
	// Brokers are those that the cloud named in its sessions; nil if it named none.
	Brokers *directory.Status `json:"brokers,omitempty"`
	// Twin is another host that runs with this server's identity, if there is one.
	Twin *Twin `json:"twin,omitempty"`
	// Isolation says how far Apps are kept apart; nil until the first App, or probe, was started.
	Isolation *job.IsolationReport `json:"isolation,omitempty"`
	// Templates are the processes that have imported what Apps bundle, and why an App that runs often
	// has none.
	Templates []templates.Status `json:"templates,omitempty"`
	// Limits says which limits hold for each App; nil as Isolation.
	Limits *job.LimitsReport `json:"limits,omitempty"`
	// Bytecode says which Apps are being compiled, and why some could not be.
	Bytecode app.Bytecode `json:"bytecode"`
	// Archives says which Java Apps have class-data archives, and why some have none.
	Archives archive.Status `json:"archives"`
	// Settings says which changes wait for a restart or are not used.
	Settings Settings `json:"settings"`
	// Policy is the customer's policy in force.
	Policy Policy `json:"policy"`
	// SealKey is the fingerprint of the key to which parameters may be sealed, "" if there is none;
	// then SealKeyProblem says why.
	SealKey        string `json:"seal_key,omitempty"`
	SealKeyProblem string `json:"seal_key_problem,omitempty"`
	// MetricsFile says how the file of the setting metricsFile is; nil if there is to be none.
	MetricsFile *MetricsFile `json:"metrics_file,omitempty"`
	// CertificateExpires is the end of the client certificate, which is renewed long before.
	CertificateExpires time.Time `json:"certificate_expires,omitzero"`
}

// Policy is what a Status says about the customer's policy.
type Policy struct {
	Path   string `json:"path"`
	State  string `json:"state"` // none: everything is allowed; valid; invalid: everything is denied
	SHA256 string `json:"sha256,omitempty"`
	Rules  int    `json:"rules"`
	// Problem is why the policy is invalid.
	Problem string `json:"problem,omitempty"`
	// Signed says whether orders must be signed: required, optional, or "" if nobody's signature counts.
	Signed string `json:"signed_orders,omitempty"`
	// SignedProblem is why signed orders are refused.
	SignedProblem string `json:"signed_orders_problem,omitempty"`
}

// MetricsFile is what a Status says about the file that node_exporter reads.
type MetricsFile struct {
	Path    string    `json:"path"`
	Written time.Time `json:"written,omitzero"` // the last time
	// Problem is why it is not written now, Hint what to do about that.
	Problem string `json:"problem,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Settings is what a Status says about settings.
type Settings struct {
	Loaded time.Time `json:"loaded"`
	// RestartNeeded names settings whose new values wait for a restart.
	RestartNeeded []string `json:"restart_needed"`
	// Problem is why the newest values are not used; the older ones stay.
	Problem string `json:"problem,omitempty"`
	// OtherProxy is in the service's environment, which is not where the service looks for one.
	OtherProxy *settings.OtherProxy `json:"other_proxy,omitempty"`
}

// Twin is another host that tries to connect with this server's identity.
type Twin struct {
	Host    string    `json:"host"` // its id in the cloud
	Name    string    `json:"name"`
	Address string    `json:"address"` // as the cloud sees it
	Since   time.Time `json:"since"`
	Seen    time.Time `json:"seen"`
}

// TwinHint is what to do about a twin.
const TwinHint = `the cloud keeps this host connected; "tccloud server show XID" lists both and says how to choose. On the clone run "tcenvsvr unenroll", then "tcenvsvr enroll" with a bundle of its own`

// String names the twin for people.
func (t Twin) String() string {
	return cmp.Or(t.Name, "a host without a name") + " at " + cmp.Or(t.Address, "an unknown address")
}
