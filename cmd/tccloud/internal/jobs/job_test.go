package jobs

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
)

// TestCheck: what a Job cannot be.
func TestCheck(t *testing.T) {
	ring, err := envelope.NewRing(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	package1 := wire.SHA256(strings.Repeat("a", 64))
	sealed := func(b envelope.Binding) string {
		t.Helper()
		text, err := envelope.Seal([]envelope.PublicKey{ring.Current()}, b, []byte("opensesame"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	forJob := sealed(envelope.Binding{Environment: "lab", Parameter: "p", Job: &envelope.Job{ID: "0123456789ab", Package: package1, Sealed: []string{"p"}}})
	ten := 10
	for _, tt := range []struct {
		change func(*Job)
		want   string // "" = it is one
	}{
		{func(*Job) {}, ""},
		{func(j *Job) { j.Name = "a b" }, `name "a b": use 1–64 letters`},
		{func(j *Job) { j.ID = "0123" }, `id "0123": use 12–32 of 0–9 a–f`},
		{func(j *Job) { j.SHA256 = "abc" }, `SHA-256 "abc" is none`},
		{func(j *Job) { j.Environment = "../lab" }, `environment "../lab" is none`},
		{func(j *Job) { j.Server = "a b" }, `server "a b" is none`},
		{func(j *Job) { j.App = strings.Repeat("a", 257) }, `App "aaa`},
		{func(j *Job) { j.Version = strings.Repeat("1", 101) }, "has more than 100 bytes"},
		{func(j *Job) { j.TimeoutMS = 999 }, "timeout 999ms is outside 1s–168h0m0s"},
		{func(j *Job) { j.TimeoutMS = -1 }, "timeout -1ms is outside 1s–168h0m0s"},
		{func(j *Job) { j.TimeoutMS = maxTimeout.Milliseconds() + 1 }, "is outside 1s–168h0m0s"},
		{func(j *Job) { j.Priority = &ten }, "priority 10 is outside 0–9"},
		{func(j *Job) { j.Missed = "all" }, `missed runs: "all" is neither skip nor once`},
		{func(j *Job) { j.Retries = 11 }, "11 retries are outside 0–10"},
		{func(j *Job) { j.RetryDelayMS = -1 }, "the retry delay is outside 0–24h0m0s"},
		{func(j *Job) { j.Params = map[string]string{"p": strings.Repeat("x", maxParams)} }, "the parameters need 524"},
		{func(j *Job) {
			j.Params = map[string]string{"p": sealed(envelope.Binding{Environment: "lab", Order: "o", Parameter: "p"})}
		},
			`parameter "p" is sealed: that is for one order`},
		{func(j *Job) { j.Params = map[string]string{"p": forJob}; j.Version, j.SHA256 = "1.0.0", package1 }, ""},
		{func(j *Job) { j.Params = map[string]string{"p": forJob}; j.Version = "1.0.0" }, `parameter "p" is sealed for one package: the Job wants its one version and SHA-256`},
		{func(j *Job) { j.Params = map[string]string{"p": forJob}; j.Version, j.SHA256 = "1.x", package1 }, `parameter "p" is sealed for one package`},
		{func(j *Job) { j.Notify = "ftp://host/x" }, "failures are told to a URL of the form https://host/path"},
		{func(j *Job) { j.Notify = "file:///etc/passwd" }, "failures are told to a URL"},
		{func(j *Job) { j.Schedule = "hourly" }, "schedule"},
		{func(j *Job) { j.Zone = "x" }, "time zone"},
	} {
		j := job(tt.change)
		switch err := j.Check(); {
		case tt.want == "" && err != nil:
			t.Errorf("got %v of a Job that is well", err)
		case tt.want != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("got %v, want ErrInvalid with %q", err, tt.want)
		}
	}
}
