package warm

// Last arguments of a program that is to be the init of a template, or of an order's world in one.
const (
	TemplateCommand = "template-init"
	OrderCommand    = "order-init"
)

// Words, one byte each. A template's shim sends its init "order", with the connection of an order's
// shim, and "drain"; the init sends an order's init "order", with that connection and the fork
// server's socket. An order's init sends back the pidfd of its App, and is told whether its end will
// be told.
const (
	wordOrder = byte('o')
	wordDrain = byte('d')
	wordApp   = byte('a')
	wordYes   = byte('y')
	wordNo    = byte('n')
)

// Report is what a template's init says of it.
type Report struct {
	Ready   bool   `json:"ready,omitempty"`
	Unfit   string `json:"unfit,omitempty"` // why it cannot serve
	KB      int64  `json:"kb,omitempty"`    // of memory, its share of what is shared
	Served  int    `json:"served,omitempty"`
	Problem string `json:"problem,omitempty"` // why an order was not served
}

// ended is how an App ended.
type ended struct {
	Code   int `json:"code"`
	Signal int `json:"signal,omitempty"`
}
