package warm

// TemplateCommand is the last argument of a program that is to be the init of a template.
const TemplateCommand = "template-init"

// Words, one byte each, of a template's shim to its init: "order", with the connection of an order's shim, and
// "drain".
const (
	wordOrder = byte('o')
	wordDrain = byte('d')
)

// Report is what a template's init says of it.
type Report struct {
	Ready   bool   `json:"ready,omitempty"`
	Unfit   string `json:"unfit,omitempty"` // why it cannot serve
	KB      int64  `json:"kb,omitempty"`    // of memory, its share of what is shared
	Served  int    `json:"served,omitempty"`
	Problem string `json:"problem,omitempty"` // why an order was not served
}
