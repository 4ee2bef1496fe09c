package test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
)

// TestTheJournalIsDamaged: the disk of an agent loses a part of the journal, and then all of it, while no
// agent runs. Status, doctor and log say so with what to do, until the agent is started once more.
func TestTheJournalIsDamaged(t *testing.T) {
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab", "--lease", "2s", "--heartbeat", "500ms")
	s.add(c, "sleep")
	flags := []string{"--appsRunner", "none"}
	a := s.agent(c, "lab", "one", flags...)
	journal := s.paths(a).Journal
	running := func(mark string, seconds float64) string {
		t.Helper()
		id, err := s.sleeper(c, "lab", mark, seconds)
		s.must(err, "giving an order")
		s.eventually("waiting for "+mark, func() error { return s.appStarted(mark) })
		return id
	}

	damaged := running("damaged", 5)
	a.Kill()
	cut := 0
	s.must(filepath.WalkDir(journal, func(path string, d fs.DirEntry, err error) error {
		info, statErr := os.Stat(path)
		if err = errors.Join(err, statErr); err == nil && d.Type().IsRegular() && info.Size() > 64 {
			cut++
			return disk.Damages["flipped"](path)
		}
		return err
	}), "damaging the journal")
	if cut == 0 {
		t.Fatalf("there is nothing to damage in %q", journal)
	}
	s.prints(a, "doctor", "it is damaged: journal.", "try: check the disk, then start the agent: it mends the journal, and says what became of the orders in it")
	s.start(a, flags...)
	s.prints(a, "status", "was damaged and is mended: ", "hint: check the disk; orders that may have been lost are shown as interrupted by the cloud")
	s.prints(a, "doctor", "it was damaged: ", "try: check the disk; the journal is mended, and this is reported until the agent is started again")
	s.waitEnd(c, damaged)

	lost := running("lost", 60)
	a.Kill()
	s.must(os.RemoveAll(journal), "removing the journal")
	s.start(a, flags...)
	const gone = "the journal was gone and was made anew"
	s.prints(a, "status", gone+": job folders of ", "the cloud has their results already, or shows the orders as interrupted",
		"hint: find out who removed it; what Apps left is in exchange/jobs, and the log says how each ended")
	s.prints(a, "doctor", gone, "try: find out who removed it; what Apps left is in exchange/jobs, and the log says how each ended; this is reported until the agent is started again")
	for _, line := range []string{
		gone, "the journal knows nothing of an order whose job folder is here: no result of it is sent", "its App ended with exit code -1 (cancelled)", lost,
	} {
		s.must(logged(a, line), "reading the log")
	}
	if e := s.waitEnd(c, lost); e.Reason == "" {
		t.Errorf("the cloud shows the lost order as %+v", e)
	}

	if code := a.Stop(20 * time.Second); code != 0 {
		t.Errorf("the agent ended with exit code %d", code)
	}
	s.start(a, flags...)
	for _, verb := range []string{"status", "doctor"} {
		if out, _ := s.tcenvsvr(a, verb); strings.Contains(out, "damaged:") || strings.Contains(out, gone) {
			t.Errorf("%s says it after another start:\n%s", verb, out)
		}
	}
}
