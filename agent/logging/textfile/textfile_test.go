package textfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tcenvsvr/agent/logging/textfile"
)

// TestText: node_exporter's parser reads what was meant, whatever a label's value is.
func TestText(t *testing.T) {
	hostile := "a\\b\"c\nd} 1\n# TYPE x counter\x00\xff"
	x := new(textfile.Text)
	x.Gauge("one_info", "A help with \\ and\na second line.")(1, "name", hostile, "empty", "")
	ended := x.Counter("ended_total", "Ended.")
	ended(3, "outcome", "failed")
	ended(1e12, "outcome", "succeeded")
	x.Histogram("run_seconds", "How long.", []float64{.1, 1}, []int64{2, 0, 1}, 7.5)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(strings.NewReader(string(x.Bytes())))
	if err != nil || len(all) != 3 {
		t.Fatalf("got %v, %v:\n%s", all, err, x.Bytes())
	}
	if got := all["one_info"].Metric[0].Label[0].GetValue(); got != strings.ToValidUTF8(hostile, "�") {
		t.Errorf("got label %q", got)
	}
	if got := all["ended_total"].Metric[1].Counter.GetValue(); got != 1e12 {
		t.Errorf("got %v", got)
	}
	h := all["run_seconds"].Metric[0].Histogram
	if h.GetSampleCount() != 3 || h.GetSampleSum() != 7.5 || len(h.Bucket) != 3 || h.Bucket[1].GetCumulativeCount() != 2 {
		t.Errorf("got %v", h)
	}
	problems, err := promlint.New(strings.NewReader(string(x.Bytes()))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v, %v", problems, err)
	}
}

// TestWrite: it is there at once and for all, and nothing is left of an earlier process that was killed.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.prom")
	if err := os.WriteFile(filepath.Join(dir, ".x.prom.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "2nd"} {
		if err := textfile.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if string(got) != text || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if err := textfile.Check(path); err != nil {
		t.Error(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("got %v, %v", names, err)
	}
	if err := errors.Join(textfile.Remove(path), textfile.Remove(path)); err != nil {
		t.Error(err)
	}
}

// TestHint: each problem has its own remedy.
func TestHint(t *testing.T) {
	for want, err := range map[string]error{
		"make the folder": fs.ErrNotExist, "ReadWritePaths=-/d": &fs.PathError{Err: syscall.EROFS}, "look at the disk": errors.New("x"),
	} {
		if got := textfile.Hint("/d/x.prom", "ada", err); !strings.Contains(filepath.ToSlash(got), want) {
			t.Errorf("%v: got %q", err, got)
		}
	}
	if got := textfile.Hint("/d/x.prom", "ada", &fs.PathError{Err: syscall.EACCES}); !strings.Contains(got, "ada") {
		t.Errorf("got %q", got)
	}
}
