package inputs

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// variable is the name of a Playbook variable: #App:1:key!Type.
var variable = regexp.MustCompile(`^#(?:App|Trigger):[0-9]+:[A-Za-z0-9_.\-\[\]]+!([A-Za-z0-9_]+)$`)

const variableForm = "#App:1:name!String: #App or #Trigger, a number, a name and a type"

// typeOf is the type in a variable's name, "" where it is no such name.
func typeOf(name string) string {
	if m := variable.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// asJSON returns the value of a variable as the JSON text that Apps read. A value that looks like a
// number stays a string if the variable's type is String.
func asJSON(name, value string) string {
	fits := json.Valid([]byte(value))
	if fits && typeOf(name) == "String" {
		fits = strings.ContainsRune(`"{[n`, rune(strings.TrimLeft(value, " \t\r\n")[0]))
	}
	if fits {
		return value
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		return value // unreachable: a string always encodes
	}
	return string(quoted)
}

// forms say for each type how a value must look; null is always allowed. Types that are not listed
// here are an App's own.
var forms = map[string]struct {
	what string
	is   func(any) bool
}{
	"String":           {"a JSON string", isText},
	"Binary":           {"a JSON string of base64", isBinary},
	"KeyValue":         {`a JSON object with "key" and "value"`, has("key", "value")},
	"TCEntity":         {`a JSON object with "type" and "value"`, has("type", "value")},
	"TCEnhancedEntity": {"a JSON object", has()},
	"TCBatch":          {"a JSON object", has()},
}

// CheckKV refuses names that are no Playbook variables, and values that do not have the type in the
// variable's name: an App that reads such a value fails far from the mistake.
func CheckKV(kv map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(kv)) {
		kind := typeOf(name)
		if kind == "" {
			return refuse("%.200q is no Playbook variable", name).try(variableForm)
		}
		var v any
		if err := json.Unmarshal([]byte(kv[name]), &v); err != nil {
			return refuse("the value of Playbook variable %.200q is no JSON", name)
		}
		one, isArray := strings.CutSuffix(kind, "Array")
		f, known := forms[one]
		switch list, isList := v.([]any); {
		case !known || v == nil:
		case isArray && (!isList || slices.ContainsFunc(list, func(v any) bool { return v != nil && !f.is(v) })):
			return refuse("the value of Playbook variable %.200q is not of its type", name).try("an array, each of it %s or null", f.what)
		case !isArray && !f.is(v):
			r := refuse("the value of Playbook variable %.200q is not of its type", name).try("%s", f.what)
			if one == "String" {
				r.Try += `, like "\"{...}\"" where the text itself is JSON`
			}
			return r
		}
	}
	return nil
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func isBinary(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil
}

func has(names ...string) func(any) bool {
	return func(v any) bool {
		object, ok := v.(map[string]any)
		for _, name := range names {
			_, there := object[name]
			ok = ok && there
		}
		return ok
	}
}

// Refusal says why an input of an App is not acceptable.
type Refusal struct {
	Why string
	Try string // "" = no hint
}

func refuse(format string, args ...any) *Refusal { return &Refusal{Why: fmt.Sprintf(format, args...)} }

func (r *Refusal) try(format string, args ...any) *Refusal {
	r.Try = fmt.Sprintf(format, args...)
	return r
}

// Error is Why.
func (r *Refusal) Error() string { return r.Why }
