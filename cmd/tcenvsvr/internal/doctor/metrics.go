package doctor

import (
	"context"
	"time"

	"tcenvsvr/agent/logging/textfile"
)

// metricsFile asks the agent, which may be allowed less than this command: its unit protects most folders.
func metricsFile(_ context.Context, t *target) outcome {
	path := t.settings.MetricsFile
	switch {
	case t.settingsErr != nil:
		return skip("the settings cannot be read")
	case path == "":
		return skip("there is to be none (setting metricsFile)")
	}
	if t.statusErr != nil {
		if err := textfile.Check(path); err != nil {
			return warn(textfile.Hint(path, currentUser(), err), "%q cannot be written: %v", path, err)
		}
		return ok("%q, written while the agent runs", path)
	}
	switch m := t.status.MetricsFile; {
	case m == nil || m.Path != path:
		return warn(`"tcenvsvr status" says why; see settings`, "the agent does not write %q", path)
	case m.Problem != "":
		return warn(m.Hint, "%q is not written: %s", path, m.Problem)
	default:
		return ok("%q, written %s ago", path, time.Since(m.Written).Round(time.Second))
	}
}
