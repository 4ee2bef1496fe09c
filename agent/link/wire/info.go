package wire

import "fmt"

// Info describes the host, every relaySystemInfoPublishSeconds.
type Info struct {
	Hostname    string  `json:"hostname"`
	Platform    string  `json:"platform"` // e.g. "rhel 9.4"
	CPUs        int     `json:"cpus"`
	Load1       float64 `json:"load1"`        // 1-minute load average, 0 where unknown
	MemoryTotal uint64  `json:"memory_total"` // bytes
	MemoryFree  uint64  `json:"memory_free"`  // bytes available without swapping
	DiskTotal   uint64  `json:"disk_total"`   // bytes, of the file system with the job folders
	DiskFree    uint64  `json:"disk_free"`    // bytes available to the agent
	UptimeMS    int64   `json:"uptime_ms"`    // of the agent
	Running     int     `json:"running"`      // orders in flight
	FreeSlots   int     `json:"free_slots"`
	RTTMS       float64 `json:"rtt_ms"` // last Ping → Pong
	Draining    bool    `json:"draining"`
	Update      *Update `json:"update,omitempty"` // nil if the server does not update itself
	Unfit       *Unfit  `json:"unfit,omitempty"`  // why the server takes no orders; nil while it does

	Proxy     string     `json:"proxy,omitempty"`     // that leads to the broker, without credentials; "" = none
	Isolation *Isolation `json:"isolation,omitempty"` // nil until the first App, or probe, was started
	Templates []Template `json:"templates,omitempty"` // ≤ MaxTemplates
	Notes     []Note     `json:"notes,omitempty"`     // what is not as it should be, ≤ MaxNotes
}

// How many of them an Info has at most, and how long their texts are. Senders leave out what is more.
const (
	MaxTemplates = 32
	MaxNotes     = 16
	MaxNote      = 256 // bytes of each of their texts
)

// Isolation says how far Apps are kept apart on a host.
type Isolation struct {
	Wanted  string `json:"wanted"`            // setting appsIsolation
	Level   string `json:"level"`             // what Apps get
	Missing string `json:"missing,omitempty"` // why that is not all, "" if it is
}

// Template is a process from which Apps start that run often, or why such an App has none.
type Template struct {
	App     string `json:"app"`
	Version string `json:"version"`
	State   string `json:"state"` // starting, ready or cold
	Served  int    `json:"served,omitempty"`
	Reason  string `json:"reason,omitempty"` // of cold
}

// Note is something on a host that its administrator should look at.
type Note struct {
	About string `json:"about"` // e.g. "settings"
	Text  string `json:"text"`
}

// Unfit says why a host cannot run Apps. When the host can run them again, the next [Info] has no
// Unfit.
type Unfit struct {
	Code    string `json:"code"`    // e.g. "host.no_space"
	Message string `json:"message"` // for people, ≤ MaxText bytes
	ForMS   int64  `json:"for_ms"`  // how long it has been so
}

// Kind implements Message.
func (*Info) Kind() Kind { return KindInfo }

func (m *Info) validate() error {
	if len(m.Hostname) > 256 || len(m.Platform) > 256 {
		return fmt.Errorf("%w: a descriptive field of info is too long", ErrInvalid)
	}
	if u := m.Unfit; u != nil && (u.Code == "" || len(u.Code) > 64 || len(u.Message) > MaxText || u.ForMS < 0) {
		return fmt.Errorf("%w: unfit of info", ErrInvalid)
	}
	if len(m.Templates) > MaxTemplates || len(m.Notes) > MaxNotes || !m.short() {
		return fmt.Errorf("%w: info says more than there is room for", ErrInvalid)
	}
	return m.Update.validate()
}

// short reports whether the texts about the host have room.
func (m *Info) short() bool {
	ok := len(m.Proxy) <= MaxNote
	if i := m.Isolation; i != nil {
		ok = ok && len(i.Wanted) <= 64 && len(i.Level) <= 64 && len(i.Missing) <= MaxNote
	}
	for _, t := range m.Templates {
		ok = ok && len(t.App) <= MaxNote && len(t.Version) <= 64 && len(t.State) <= 64 && len(t.Reason) <= MaxNote && t.Served >= 0
	}
	for _, n := range m.Notes {
		ok = ok && len(n.About) <= 64 && len(n.Text) <= MaxNote
	}
	return ok
}
