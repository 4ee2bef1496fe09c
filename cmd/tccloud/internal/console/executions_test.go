package console_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// TestTurning: one comes from the newest executions to the oldest by cursors, with what they are
// filtered by, and back the same way.
func TestTurning(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Viewer)
	link := func(body, word string) string {
		_, rest, _ := strings.Cut(body, `<nav class="turn"`)
		for part := range strings.SplitSeq(rest, `href="`) {
			if path, after, _ := strings.Cut(part, `"`); strings.Contains(strings.SplitN(after, "</a>", 2)[0], word) {
				return "executions" + strings.ReplaceAll(path, "&amp;", "&")
			}
		}
		return ""
	}
	seen := []string{"executions?q=TCPB"}
	for range 2 {
		older := link(text(t, r.get(c, seen[len(seen)-1])), "Older")
		if !strings.Contains(older, "q=TCPB") || !strings.Contains(older, "cursor=") {
			t.Fatalf("after %q comes %q", seen[len(seen)-1], older)
		}
		seen = append(seen, older)
	}
	body := text(t, r.get(c, seen[2]))
	if link(body, "Older") != "" || strings.Count(body, `data-key="0`) != 19 {
		t.Errorf("the last page leads to %q and has %d rows", link(body, "Older"), strings.Count(body, `data-key="0`))
	}
	for i := 1; i >= 0; i-- {
		newer := link(body, "Newer")
		if newer != seen[i] {
			t.Fatalf("back from %q comes %q; want %q", seen[i+1], newer, seen[i])
		}
		body = text(t, r.get(c, newer))
	}
	for _, bad := range []string{"within=-1h", "within=x", "since=yesterday"} {
		if res := r.get(c, "executions?"+bad); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %s", bad, res.Status)
		}
	}
}

// TestExecution: the page shows everything that is known of one, and its log around the line that is
// asked for.
func TestExecution(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	body := text(t, r.get(c, "executions/"+failedID))
	for _, want := range []string{"exit code 1", "second line", "lost.txt", "it was too large", "1\u202f500 lines", "First of 50 errors", `id="L1500"`, "#App:1:result!String", "#42;"} {
		if got := strings.Contains(body, want); want == "#42;" && got || want != "#42;" && !got {
			t.Errorf("the page has %q: %t", want, got)
		}
	}
	if strings.Contains(body, `id="L500"`) || strings.Contains(body, "\x1b") || strings.Contains(body, "Cancel it") {
		t.Error("the page has lines before the last 1000, escape sequences, or a button for what has ended")
	}
	for query, want := range map[string]string{
		"line=3": `id="L3" data-anchor`, "line=1200": `id="L1200" data-anchor`, "find=page+900+of": `data-anchor><a href="?line=950`,
		"find=indicator+2+is": "1 line with", "find=none+has+this": "0 lines with", "stream=stderr": "errors",
	} {
		if body := text(t, r.get(c, "executions/"+failedID+"?"+query)); !strings.Contains(body, want) {
			t.Errorf("%s: the page has not %q", query, want)
		}
	}
	res := r.get(c, "executions/"+failedID+"/files/report%2F..%2Fx%0d%0aSet-Cookie:a.html")
	if res.Header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") || len(res.Header.Values("Set-Cookie")) > 0 && strings.Contains(fmt.Sprint(res.Header), "Set-Cookie:[a") {
		t.Errorf("a file: %v", res.Header)
	}
	res = r.get(c, "executions/"+failedID+"/log")
	if got := text(t, res); res.Header.Get("Content-Disposition") != `attachment; filename=`+failedID+".log" || strings.Count(got, "\n") != 1500 {
		t.Errorf("the whole log: %v, %d lines", res.Header, strings.Count(got, "\n"))
	}
}

// TestFollowing: lines after one come as they are written, with their numbers, until the execution has
// ended or its viewer may not look any more.
func TestFollowing(t *testing.T) {
	r := filled(t)
	res := r.get(r.signedIn(access.Viewer), "executions/"+runningID+"/follow?attempt=1&after=1500")
	lines := bufio.NewScanner(res.Body)
	next := func() (v struct {
		Line *struct {
			N    int
			Text string
			Bad  bool
		}
		Row  map[string]string
		Over bool
	}) {
		for lines.Scan() {
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Fatalf("%s: %v", lines.Bytes(), err)
			}
			if v.Line != nil || v.Over || v.Row["state"] == "green" {
				return v
			}
		}
		t.Fatal("it ended")
		return v
	}
	r.api.change(func() {
		r.api.log = append(r.api.log, v1.Chunk{Attempt: 1, Stream: wire.Stdout, Data: []byte("half ")}, v1.Chunk{Attempt: 1, Stream: wire.Stderr, Data: []byte("an ERROR\n")}, v1.Chunk{Attempt: 1, Stream: wire.Stdout, Data: []byte("and half\n")})
	})
	if v := next(); v.Line.N != 1501 || v.Line.Text != "an ERROR" || !v.Line.Bad {
		t.Errorf("first %+v", v.Line)
	}
	if v := next(); v.Line.N != 1502 || v.Line.Text != "half and half" || v.Line.Bad {
		t.Errorf("then %+v", v.Line)
	}
	r.api.change(func() { r.api.executions[0].State, r.api.executions[0].Ended = wire.State(wire.Succeeded), true })
	if v := next(); v.Row["words"] != "Succeeded" {
		t.Errorf("at the end %+v", v)
	}
	if v := next(); !v.Over {
		t.Errorf("after the end %+v", v)
	}
}
