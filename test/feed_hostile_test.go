package test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/test/need"
)

// flooding sends bodies that no feed should, and says what each was answered.
const flooding = `import gzip, http.client, json, ssl, urllib.parse
token, base = p["tc_token"], urllib.parse.urlsplit(p["tc_api_path"])
MB = 1 << 20
said = {}
def ask(method, path, body, headers={}):
    c = http.client.HTTPSConnection(base.hostname, base.port, timeout=120, context=ssl.create_default_context())
    h = dict(headers, Authorization="TC-Token " + token)
    if not isinstance(body, bytes):
        h["Transfer-Encoding"] = "chunked"
    try:
        c.request(method, base.path + path, body=body, headers=h, encode_chunked=not isinstance(body, bytes))
    except OSError:
        pass # refused before its end: the answer is there
    r = c.getresponse()
    text = r.read()
    c.close()
    return r.status, text
def note(name, method, path, body, headers={}):
    status, text = ask(method, path, body, headers)
    try:
        what = json.loads(text)
        said[name] = "%d %s" % (status, what.get("status") if isinstance(what, dict) else type(what).__name__)
    except ValueError:
        said[name] = "%d no JSON: %r" % (status, text[:80])
def endless(piece, mb):
    piece = piece * (MB // len(piece))
    for _ in range(mb):
        yield piece
def bomb(mb):
    z = gzip.zlib.compressobj(9, gzip.zlib.DEFLATED, 31)
    yield z.compress(b'{"indicator":[{"type":"Host","summary":"')
    for _ in range(mb):
        yield z.compress(b"a" * MB)
    yield z.flush()
def batch():
    status, text = ask("POST", "/v2/batch", b'{"owner":"o","action":"Create","haltOnError":false,"version":"V2"}')
    return "/v2/batch/%d" % json.loads(text)["data"]["batchId"]
note("bomb", "POST", batch(), bomb(2048), {"Content-Encoding": "gzip"})
note("2 GB", "POST", batch(), endless(b'{"type":"Host","summary":"a"},', 2048))
note("says 2 GB", "POST", batch(), b"{", {"Content-Length": str(2 << 30)})
deep = batch()
note("deep", "POST", deep, b'{"indicator":' + b"[" * MB)
note("deep, how it is", "GET", deep, b"")
wrong = batch()
note("wrong types", "POST", wrong, json.dumps({"indicator": [5, None, {"type": 1, "summary": []}, {"type": "Host", "summary": "a", "rating": {}}], "group": {}}).encode())
said["wrong types, errors"] = json.loads(ask("GET", wrong, b"")[1])["data"]["batchStatus"]["errorCount"]
for name, path in {"batch": "/v2/batch", "metric": "/v2/customMetrics", "notification": "/v2/notifications", "record": "/v2/exchange/db/local/x/1"}.items():
    h = {"DB-Method": "POST"} if name == "record" else {}
    note(name + ", endless", "POST", path, endless(b"[", 64), h)
    note(name + ", a number", "POST", path, b"5", h)
    note(name + ", cut off", "POST", path, b'{"owner', h)
    note(name + ", nothing", "POST", path, b"", h)
print(json.dumps(said, indent=1))
app.exit(0, "")`

// TestFloodingFeed: an App sends its platform a zip bomb, 2 GB, JSON without an end and of wrong types. It
// gets the platform's errors, and the cloud needs no more memory.
func TestFloodingFeed(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.agent(c, "lab", "one")
	name := s.script(c, "Flooding", flooding)
	before := peak(c.PID())
	var e struct{ ID, State, Message string }
	s.must(c.JSON(s.ctx, &e, "run", "lab", name, "--timeout", "30m"), "running the App")
	s.flat("cloud", before, peak(c.PID()))
	text, err := c.Do(s.ctx, "execution", "logs", e.ID)
	s.must(err, "reading what it was told")
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v: %s %s %s", err, e.State, e.Message, text)
	}
	want := map[string]any{
		"bomb": "400 Invalid", "2 GB": "400 Invalid", "says 2 GB": "400 Invalid",
		// What is no batch is judged as one.
		"deep": "202 Queued", "deep, how it is": "200 Success", "wrong types": "202 Queued", "wrong types, errors": 5.0,
	}
	for _, what := range []string{"batch", "metric", "notification", "record"} {
		want[what+", endless"] = "413 Failure"
		for _, body := range []string{", a number", ", cut off", ", nothing"} {
			want[what+body] = "400 Failure"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
