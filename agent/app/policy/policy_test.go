package policy_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/app/signature"
)

const (
	oldKey = "RWSFolMZ1KR8sAoVG4wQm2yMEJNrs5HF1Cbbat3kTsLhI5CQpKOKF3Gj"
	newKey = "RWQMbTKWGfKvsMrcW7ip0SdgAwdPkfsB1ajwKBxz90TUXPG0ZUxERO3A"
	sha    = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

// documented returns the policy that the package's documentation shows.
func documented(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, _ := strings.Cut(string(text), "//\t# /etc/threatconnect-envsvr/policy.yaml\n")
	text2, _, ok := strings.Cut(text2, "//\n// A rule matches")
	if !ok {
		t.Fatal("doc.go shows no policy")
	}
	var out strings.Builder
	for line := range strings.Lines(text2) {
		out.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), "\t"))
	}
	return out.String()
}

func parse(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDecide(t *testing.T) {
	p := parse(t, documented(t))
	good := policy.Request{App: "ACME_Scan", Version: "1.0.0", SHA256: strings.Repeat("0", 64), Runtime: "job", Timeout: 10 * time.Minute, Publisher: "acme", Signer: "soc", Sealed: true}
	for name, c := range map[string]struct {
		change func(r *policy.Request)
		rule   string
		reason string // part of it; "" = allowed
		most   time.Duration
	}{
		"as it should be":          {rule: "our own Apps", most: 30 * time.Minute},
		"no timeout asked for":     {change: func(r *policy.Request) { r.Timeout = 0 }, rule: "our own Apps", most: 30 * time.Minute},
		"the longest timeout":      {change: func(r *policy.Request) { r.Timeout = 30 * time.Minute }, rule: "our own Apps", most: 30 * time.Minute},
		"longer than the rule":     {change: func(r *policy.Request) { r.Timeout = time.Hour }, rule: "our own Apps", reason: "at most 30m0s"},
		"longer than every order":  {change: func(r *policy.Request) { r.Timeout = 5 * time.Hour }, rule: policy.RuleOrders, reason: "at most 4h0m0s"},
		"order not signed":         {change: func(r *policy.Request) { r.Signer = "" }, rule: policy.RuleOrders, reason: "must be signed"},
		"order signed by another":  {change: func(r *policy.Request) { r.Signer = "acme" }, rule: policy.RuleOrders, reason: `not by "acme"`},
		"parameter in clear":       {change: func(r *policy.Request) { r.Sealed = false }, rule: policy.RuleOrders, reason: "in clear"},
		"package not signed":       {change: func(r *policy.Request) { r.Publisher = "" }, rule: policy.RuleDefault, reason: "no rule allows it"},
		"package signed by others": {change: func(r *policy.Request) { r.Publisher = "soc" }, rule: policy.RuleDefault, reason: "no rule allows it"},
		"another App":              {change: func(r *policy.Request) { r.App = "xACME_Scan" }, rule: policy.RuleDefault, reason: "no rule allows it"},
		"another runtime":          {change: func(r *policy.Request) { r.Runtime = "service" }, rule: policy.RuleDefault, reason: "no rule allows it"},
		"space for _":              {change: func(r *policy.Request) { r.App = "ACME Scan" }, rule: "our own Apps", most: 30 * time.Minute},
		"old version":              {change: func(r *policy.Request) { r.App, r.Version = "TCPB_-_Vault", "2.0.9" }, rule: "Vault before 2.1", reason: "denies it"},
		"candidate of a version":   {change: func(r *policy.Request) { r.App, r.Version = "TCPB_-_Vault", "2.1.0-rc1" }, rule: "Vault before 2.1", reason: "denies it"},
		"not comparable, denied":   {change: func(r *policy.Request) { r.App, r.Version = "TCPB_-_Vault", "next" }, rule: "Vault before 2.1", reason: "denies it"},
		"no version, denied":       {change: func(r *policy.Request) { r.App, r.Version = "TCPB_-_Vault", "" }, rule: "Vault before 2.1", reason: "denies it"},
		"new enough":               {change: func(r *policy.Request) { r.App, r.Version = "TCPB_-_Vault", "2.1.0" }, rule: "our own Apps", most: 30 * time.Minute},
		"by its bytes":             {change: func(r *policy.Request) { r.App, r.Publisher, r.SHA256 = "any", "", sha }, rule: "Ping, this very file", most: 4 * time.Hour},
		"by its bytes, upper case": {change: func(r *policy.Request) { r.App, r.SHA256 = "any", strings.ToUpper(sha) }, rule: "Ping, this very file", most: 4 * time.Hour},
		"a name with a line break": {change: func(r *policy.Request) { r.App = "A\nlevel=INFO" }, rule: policy.RuleDefault, reason: `A\nlevel`},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			if c.change != nil {
				c.change(&r)
			}
			got := p.Decide(r)
			want := policy.Decision{Allowed: c.reason == "", Rule: c.rule, Reason: got.Reason, MaxTimeout: c.most}
			if diff := cmp.Diff(got, want); diff != "" || !strings.Contains(got.Reason, c.reason) || strings.Contains(got.Reason, "\n") {
				t.Errorf("got %+v, want reason %q\n%s", got, c.reason, diff)
			}
			if d := p.DecideOrder(r); d.Allowed != (c.rule != policy.RuleOrders) || d.MaxTimeout != 0 && d.MaxTimeout != 4*time.Hour {
				t.Errorf("by the order alone: got %+v", d)
			}
		})
	}
}

func TestNothingAllowsByItself(t *testing.T) {
	r := policy.Request{App: "A", Version: "1", Runtime: "job", Signer: "x", Publisher: "x", Sealed: true}
	for name, p := range map[string]*policy.Policy{
		"nil": nil, "zero value": {}, "no rules": parse(t, "version: 1"),
		"deny only": parse(t, "version: 1\nrules: [{deny: B, apps: B}]"),
	} {
		if d := p.Decide(r); d.Allowed || d.Rule == "" || d.Reason == "" {
			t.Errorf("%s: got %+v, want denied", name, d)
		}
		_, _, _ = p.View(), p.Describe(), p.Advice()
		_, _ = p.Explain(r), p.NeedsPublisher(r)
	}
}

func TestKeysRotate(t *testing.T) {
	p := parse(t, `version: 1
publishers:
  acme:
    - {key: `+oldKey+`, not-after: 2027-01-31}
    - {key: `+newKey+`, not-before: "2027-01-01T12:00:00+01:00"}
`)
	key := func(text string) signature.PublicKey {
		k, err := signature.ParsePublicKey(text)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for at, want := range map[string][]string{
		"2026-12-31T00:00:00Z": {oldKey},
		"2027-01-01T10:59:59Z": {oldKey},
		"2027-01-01T11:00:00Z": {newKey, oldKey},
		"2027-01-31T23:59:59Z": {newKey, oldKey},
		"2027-02-01T00:00:00Z": {newKey},
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range p.PublisherKeys(now) {
			got = append(got, k.String())
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: %s", at, diff)
		}
		for _, text := range []string{oldKey, newKey} {
			name, ok := p.Publisher(key(text), now)
			if want := slices.Contains(want, text); ok != want || ok && name != "acme" {
				t.Errorf("%s: key %s: got %q, %v, want %v", at, text, name, ok, want)
			}
			if name, ok := p.Signer(key(text), now); ok {
				t.Errorf("a publisher's key signs orders for %q", name)
			}
		}
		if keys := p.SignerKeys(now); keys != nil {
			t.Errorf("got %v for signers, want none", keys)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {"", "empty"},
		"comment only":         {"# nothing\n", "empty"},
		"no version":           {"orders: {signed: optional}", "version"},
		"another version":      {"version: 2", "version"},
		"null":                 {"~", "no value"},
		"a list":               {"[1]", "cannot unmarshal"},
		"two documents":        {"version: 1\n---\nversion: 1", "more than one"},
		"byte order mark":      {"\ufeffversion: 1", "byte order mark"},
		"not UTF-8":            {"version: 1 # \xff", "UTF-8"},
		"too long":             {"version: 1 #" + strings.Repeat("x", policy.MaxSize), "longer"},
		"unknown section":      {"version: 1\nrule: [{allow: a}]", "rule is unknown"},
		"unknown field":        {"version: 1\nrules: [{allow: a, app: b}]", "app is unknown"},
		"section twice":        {"version: 1\nrules: [{allow: a}]\nrules: [{allow: b}]", "twice"},
		"field twice":          {"version: 1\nrules: [{allow: a, apps: a, apps: b}]", "twice"},
		"field twice, quoted":  {"version: 1\nrules: [{allow: a, apps: a, \"apps\": b}]", "twice"},
		"condition not filled": {"version: 1\nrules:\n  - allow: a\n    apps:\n    runtimes: job", "line 4: there is no value"},
		"condition null":       {"version: 1\nrules: [{allow: a, apps: null}]", "no value"},
		"condition is empty":   {"version: 1\nrules: [{allow: a, apps: []}]", "empty"},
		"condition is \"\"":    {"version: 1\nrules: [{allow: a, apps: \"\"}]", "no value"},
		"rules are empty":      {"version: 1\nrules: []", "empty"},
		"list in a list":       {"version: 1\nrules: [{allow: a, apps: [[b]]}]", "a text or a list"},
		"anchor":               {"version: 1\nrules: [{allow: &a b}]", "anchors"},
		"alias":                {"version: 1\nrules: [{allow: &a b, apps: *a}]", "anchors"},
		"unquoted *":           {"version: 1\nrules: [{allow: a, apps: *_Vault}]", "between quotes"},
		"unquoted >":           {"version: 1\nrules:\n  - allow: a\n    versions: >=1.0", "between quotes"},
		"merge":                {"version: 1\nrules: [{allow: a, <<: {apps: b}}]", "plain name"},
		"tag":                  {"version: 1\nrules: [{allow: !!str a}]", "tags"},
		"rule without a name":  {"version: 1\nrules: [{apps: a}]", "rule 1"},
		"allow and deny":       {"version: 1\nrules: [{allow: a, deny: b}]", "rule 1"},
		"name twice":           {"version: 1\nrules: [{allow: a}, {deny: a}]", "taken"},
		"reserved name":        {"version: 1\nrules: [{allow: default}]", "taken"},
		"name with control":    {"version: 1\nrules: [{allow: \"a\\e[2J\"}]", "cannot be seen"},
		"name too long":        {"version: 1\nrules: [{allow: " + strings.Repeat("a", 81) + "}]", "longer"},
		"value twice":          {"version: 1\nrules: [{allow: a, apps: [b, b]}]", "twice"},
		"sha256 twice":         {"version: 1\nrules: [{allow: a, sha256: [" + sha + ", " + strings.ToUpper(sha) + "]}]", "twice"},
		"sha256 cut off":       {"version: 1\nrules: [{allow: a, sha256: " + sha[2:] + "}]", "64 hex digits"},
		"sha256 of letters":    {"version: 1\nrules: [{allow: a, sha256: " + strings.Repeat("x", 64) + "}]", "64 hex digits"},
		"unknown publisher":    {"version: 1\nrules: [{allow: a, publishers: acme}]", `names "acme", and the policy declares none`},
		"misspelt publisher":   {"version: 1\npublishers: {acme: [{key: " + oldKey + "}]}\nrules: [{allow: a, publishers: acne}]", `names "acne", which is not one of ["acme"]`},
		"unknown runtime":      {"version: 1\nrules: [{allow: a, runtimes: Playbook}]", "Playbook"},
		"deny by publisher":    {"version: 1\npublishers: {acme: [{key: " + oldKey + "}]}\nrules: [{deny: a, publishers: acme}]", "leaves the signature out"},
		"deny with timeout":    {"version: 1\nrules: [{deny: a, max-timeout: 1h}]", "max-timeout"},
		"timeout, no unit":     {"version: 1\nrules: [{allow: a, max-timeout: 90}]", "max-timeout"},
		"timeout negative":     {"version: 1\nrules: [{allow: a, max-timeout: -1h}]", "max-timeout"},
		"timeout 0":            {"version: 1\nrules: [{allow: a, max-timeout: 0s}]", "max-timeout"},
		"version with a caret": {"version: 1\nrules: [{allow: a, versions: ^1.0}]", "no version"},
		"version wildcard":     {"version: 1\nrules: [{allow: a, versions: 1.*}]", "no version"},
		"version, space":       {"version: 1\nrules: [{allow: a, versions: \">= 1.0\"}]", "without a space"},
		"version ==":           {"version: 1\nrules: [{allow: a, versions: \"==1.0\"}]", "comparisons"},
		"version of letters":   {"version: 1\nrules: [{allow: a, versions: <next}]", "no version"},
		"version, comma":       {"version: 1\nrules: [{allow: a, versions: \">=1.0,<2.0\"}]", "no version"},
		"orders: signed: yes":  {"version: 1\norders: {signed: yes}", "required and optional"},
		"orders: no signers":   {"version: 1\norders: {signed: required}", "no signers"},
		"orders: unknown":      {"version: 1\norders: {signers: soc}", "soc"},
		"orders: sealed":       {"version: 1\norders: {sealed-parameters: true}", "required and optional"},
		"orders: timeout":      {"version: 1\norders: {max-timeout: 1d}", "max-timeout"},
		"publisher, no keys":   {"version: 1\npublishers: {acme: []}", "empty"},
		"key missing":          {"version: 1\npublishers: {acme: [{not-after: 2027-01-01}]}", "public key"},
		"key damaged":          {"version: 1\npublishers: {acme: [{key: RW!" + oldKey[3:] + "}]}", "base64"},
		"key with a comment":   {"version: 1\npublishers: {acme: [{key: \"untrusted comment: x\\n" + oldKey + "\"}]}", "the key is the one word that begins with RW: " + oldKey},
		"key twice":            {"version: 1\npublishers: {acme: [{key: " + oldKey + "}, {key: " + oldKey + "}]}", "keys of its own"},
		"key for both":         {"version: 1\npublishers: {acme: [{key: " + oldKey + "}]}\nsigners: {soc: [{key: " + oldKey + "}]}", "keys of its own"},
		"key, no such day":     {"version: 1\npublishers: {acme: [{key: " + oldKey + ", not-after: 2027-02-30}]}", `not-after "2027-02-30" is no day such as 2027-01-31, and no time such as 2027-01-31T18:00:00Z`},
		"key, never good":      {"version: 1\npublishers: {acme: [{key: " + oldKey + ", not-before: 2027-02-02, not-after: 2027-02-01}]}", "not behind"},
		"key, before 2000":     {"version: 1\npublishers: {acme: [{key: " + oldKey + ", not-after: 0001-01-01}]}", `not-after "0001-01-01" is before the year 2000`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := policy.Parse([]byte(c.text))
			if err == nil {
				t.Fatalf("accepted: %s", p.Describe())
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want something with %q", err, c.want)
			}
		})
	}
}

func TestPlainTextsStayTexts(t *testing.T) {
	p := parse(t, "version: 1\nrules: [{allow: yes, apps: [on, 1.10, 0x10, 2027-01-01], versions: 1.10}]")
	for _, app := range []string{"on", "1.10", "0x10", "2027-01-01"} {
		if d := p.Decide(policy.Request{App: app, Version: "1.10"}); !d.Allowed || d.Rule != "yes" {
			t.Errorf("%q: got %+v", app, d)
		}
	}
	if d := p.Decide(policy.Request{App: "on", Version: "1.1"}); d.Allowed {
		t.Errorf("1.10 is not 1.1: %+v", d)
	}
}

func TestDescribeIsTheSamePolicy(t *testing.T) {
	p := parse(t, documented(t))
	text := p.Describe()
	again := parse(t, text)
	if diff := cmp.Diff(again.Describe(), text); diff != "" {
		t.Error(diff)
	}
	golden(t, "describe.yaml", text)
	view, err := json.MarshalIndent(p.View(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "view.json", string(view)+"\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile("testdata/"+name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, string(want)); diff != "" {
		t.Errorf("%s (UPDATE=1 writes it anew): %s", name, diff)
	}
}

func TestNeedsPublisherAndExplain(t *testing.T) {
	p := parse(t, documented(t))
	for name, c := range map[string]struct {
		r    policy.Request
		want bool
		last string
		miss string
	}{
		"ours":           {policy.Request{App: "ACME_Scan", Version: "1", Runtime: "job"}, true, "Ping, this very file", "sha256"},
		"denied before":  {policy.Request{App: "TCPB_-_Vault", Version: "1.0", Runtime: "job"}, false, "Vault before 2.1", ""},
		"another's":      {policy.Request{App: "X", Version: "1.0", Runtime: "job"}, false, "Ping, this very file", "sha256"},
		"by bytes alone": {policy.Request{App: "X", SHA256: sha}, false, "Ping, this very file", ""},
	} {
		if got := p.NeedsPublisher(c.r); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		steps := p.Explain(c.r)
		if last := steps[len(steps)-1]; last.Rule != c.last || (last.Miss == "") != (c.miss == "") || !strings.Contains(last.Miss, c.miss) {
			t.Errorf("%s: got %+v", name, steps)
		}
	}
}

func TestAdvice(t *testing.T) {
	p := parse(t, "version: 1\npublishers: {acme: [{key: "+oldKey+"}]}\nrules: [{allow: all}, {deny: late, apps: X}]")
	want := []string{"by what the cloud says alone", "\"late\" is never reached", "\"acme\" is in no rule", "need not be signed"}
	got := p.Advice()
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("got %q, want something with %q", got[i], want[i])
		}
	}
	if got := parse(t, documented(t)).Advice(); got != nil {
		t.Errorf("the documented policy: got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(documented(f)))
	f.Add([]byte("version: 1\nrules: [{allow: yes, apps: [on, '*', a b], versions: ['>=1 <2', 1.10], max-timeout: 90m}]"))
	f.Add([]byte("version: 1\norders:\n  max-timeout: 36h\nrules:\n- deny: |-\n    a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of two lines: %q", err)
			}
			return
		}
		described := p.Describe()
		again, err := policy.Parse([]byte(described))
		if err != nil {
			t.Fatalf("%q was accepted, what was made of it is not: %v\n%s", text, err, described)
		}
		if diff := cmp.Diff(p.View().Document, again.View().Document); diff != "" {
			t.Error(diff)
		}
		r := policy.Request{App: "TCPB_-_Vault", Version: "2.0", SHA256: sha, Runtime: "job", Timeout: time.Hour, Publisher: "acme", Signer: "soc", Sealed: true}
		if a, b := p.Decide(r), again.Decide(r); a != b {
			t.Errorf("got %+v, then %+v", a, b)
		}
	})
}
