package api

import (
	"errors"
	"regexp"
)

// ErrVariable says that it is not a runtime variable's name.
var ErrVariable = errors.New("want source TC or Vault and an id of 1–64 letters, digits and -")

var variableID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// CheckVariable returns ErrVariable if nothing can be called so.
func CheckVariable(source, id string) error {
	if (source != "TC" && source != "Vault") || !variableID.MatchString(id) {
		return ErrVariable
	}
	return nil
}

// Mentions reports whether a parameter holds &{source:TYPE:id}. Only then
// an execution may read the runtime variable.
func Mentions(params map[string]string, source, id string) bool {
	p := regexp.MustCompile(`&\{` + regexp.QuoteMeta(source) + `:[A-Z]+:` + regexp.QuoteMeta(id) + `\}`)
	for _, v := range params {
		if p.MatchString(v) {
			return true
		}
	}
	return false
}
