package api

import (
	"errors"
	"regexp"
)

// ErrVariable means that a source and an id cannot name a runtime variable.
var ErrVariable = errors.New("want source TC or Vault and an id of 1–64 letters, digits and -")

var variableID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// CheckVariable returns ErrVariable if no runtime variable can have this source and id.
func CheckVariable(source, id string) error {
	if (source != "TC" && source != "Vault") || !variableID.MatchString(id) {
		return ErrVariable
	}
	return nil
}

// Mentions reports whether a parameter contains &{source:TYPE:id}. An execution may read only the
// runtime variables that its parameters mention.
func Mentions(params map[string]string, source, id string) bool {
	p := regexp.MustCompile(`&\{` + regexp.QuoteMeta(source) + `:[A-Z]+:` + regexp.QuoteMeta(id) + `\}`)
	for _, v := range params {
		if p.MatchString(v) {
			return true
		}
	}
	return false
}
