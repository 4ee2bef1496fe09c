package plan

import "context"

// Finding is one thing that is not as it should be.
type Finding struct {
	Text string `json:"text"`              // what is wrong
	Fix  string `json:"fix,omitempty"`     // what Do does about it, as a past participle: "created"
	Try  string `json:"try,omitempty"`     // what a person can do where there is no Do
	Hand string `json:"by_hand,omitempty"` // what a person may do to get more than is needed

	// Do puts it right; nil = only a person can, or nobody has to.
	Do func(context.Context) error `json:"-"`
}

// Note reports whether f is only for information: there is nothing to do, for Do or for a person.
func (f Finding) Note() bool { return f.Do == nil && f.Try == "" }
