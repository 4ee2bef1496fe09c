package batch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxSettings is the most bytes of a batch job's settings.
const MaxSettings = 16 << 10

// ErrSettings means that settings are not those of a batch job.
var ErrSettings = errors.New("the settings of the batch job are wrong")

// Settings are what a batch job is created with. Raw has all of them, to be passed on.
type Settings struct {
	Owner       string
	Action      string
	HaltOnError bool
	Raw         json.RawMessage
}

// ReadSettings reads the body that creates a batch job. TcEx writes booleans as text.
func ReadSettings(data []byte) (Settings, error) {
	var q struct {
		Owner       string          `json:"owner"`
		Action      string          `json:"action"`
		Version     string          `json:"version"`
		HaltOnError json.RawMessage `json:"haltOnError"`
	}
	if err := json.Unmarshal(data, &q); err != nil {
		return Settings{}, fmt.Errorf("%w: it is not a JSON object with the right types", ErrSettings)
	}
	s := Settings{Owner: q.Owner, Action: q.Action, Raw: data}
	switch {
	case q.Owner == "" || len(q.Owner) > 255:
		return Settings{}, fmt.Errorf("%w: owner has 1 to 255 bytes", ErrSettings)
	case q.Action != "" && q.Action != "Create" && q.Action != "Delete":
		return Settings{}, fmt.Errorf("%w: action is Create or Delete", ErrSettings)
	case q.Version != "" && q.Version != "V1" && q.Version != "V2":
		return Settings{}, fmt.Errorf("%w: version is V1 or V2", ErrSettings)
	}
	switch strings.ToLower(strings.Trim(string(q.HaltOnError), `"`)) {
	case "true":
		s.HaltOnError = true
	case "", "false", "null":
	default:
		return Settings{}, fmt.Errorf("%w: haltOnError is true or false", ErrSettings)
	}
	return s, nil
}
