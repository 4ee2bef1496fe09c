package form

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// app has a parameter of each sort.
var app = catalog.App{ListDelimiter: ",", Params: []catalog.Param{
	{Name: "text", Type: "String", Required: true},
	{Name: "token", Type: "String", Encrypt: true, Required: true},
	{Name: "proxy", Type: "String", Encrypt: true, Required: true, Default: "do-not-show"},
	{Name: "level", Type: "Choice", Values: []string{"a", "b", "b"}, Required: true},
	{Name: "owner", Type: "Choice", Values: []string{"${OWNERS}", "me"}},
	{Name: "kinds", Type: "MultiChoice", Values: []string{"x", "y", "z"}, Default: "x,y", Sequence: -1},
	{Name: "dry", Type: "Boolean", Default: "true"},
	{Name: "list", Type: "KeyValueList"},
	{Name: "hidden", Type: "String", Hidden: true, Default: "h"},
	{Name: "watch", Type: "String", Trigger: true},
}}

// field finds one.
func field(f *Form, name string) (found Field) {
	f.each(func(x *Field, _ bool) {
		if x.Name == name {
			found = *x
		}
	})
	return found
}

func TestParams(t *testing.T) {
	of := Of{Prefix: "p."}
	fields := Params(app, of)
	var kinds []string
	for _, f := range fields {
		kinds = append(kinds, strings.TrimPrefix(f.Name, "p.")+" "+string(f.Kind))
	}
	want := []string{"kinds several", "text text", "token secret", "proxy secret", "level choice", "owner edit", "dry check", "list long"}
	if !slices.Equal(kinds, want) {
		t.Errorf("%q", kinds)
	}
	if trigger := Params(app, Of{Trigger: true}); len(trigger) != 1 || trigger[0].Name != "watch" {
		t.Errorf("of a trigger: %+v", trigger)
	}
	f := New(Group{Fields: fields})
	if p := field(f, "p.proxy"); p.Value != "" || p.Asked() || !field(f, "p.token").Asked() {
		t.Errorf("a secret with a default: %+v", p)
	}
	for _, tt := range []struct {
		name string
		of   Of
		sent string
		want map[string]string // the parameters
		bad  []string          // fields
		drop []string
	}{
		{"nothing", of, "", map[string]string{"kinds": "", "dry": "false"}, []string{"p.text", "p.token", "p.level"}, nil},
		{"defaults", of, "p.text=a%0D%0Ab&p.token=+s+&p.level=b&p.kinds=x&p.kinds=y&p.dry=true", map[string]string{"text": "a\nb", "token": " s ", "level": "b"}, nil, nil},
		{"others", of, "p.text=t&p.token=s&p.proxy=q&p.level=c&p.kinds=z&p.kinds=other&p.owner=you", map[string]string{"text": "t", "token": "s", "proxy": "q", "level": "c", "kinds": "z,other", "owner": "you", "dry": "false"}, []string{"p.kinds", "p.level"}, nil},
		{"kept", Of{Prefix: "p.", Kept: []string{"text", "token", "level", "kinds", "dry", "proxy"}}, "drop.p.dry=on&drop.p.text=on&drop.p.owner=on&p.dry=true", map[string]string{}, nil, []string{"dry"}},
		{"sealed", Of{Prefix: "p.", Sealed: []string{"token"}}, "p.token=plain&p.text=t&p.level=a&p.dry=true&p.kinds=x&p.kinds=y", map[string]string{"text": "t", "level": "a"}, nil, nil},
		{"variables", Of{Prefix: "p.", Variables: true}, "p.text=%23Trigger:1:a!String&p.token=%23Trigger:1:a!String&p.level=%23App:1:l!String&p.dry=%23App:1:d!String&p.kinds=x,y", map[string]string{"text": "#Trigger:1:a!String", "token": "#Trigger:1:a!String", "level": "#App:1:l!String", "dry": "#App:1:d!String"}, nil, nil},
	} {
		f := New(Group{Fields: Params(app, tt.of)})
		sent, err := url.ParseQuery(tt.sent)
		if err != nil {
			t.Fatal(err)
		}
		f.Read(sent)
		var bad []string
		f.each(func(x *Field, _ bool) {
			if x.Problem != "" {
				bad = append(bad, x.Name)
			}
			if x.Kind == Secret && x.Value != "" {
				t.Errorf("%s: %s keeps its secret", tt.name, x.Name)
			}
		})
		slices.Sort(bad)
		slices.Sort(tt.bad)
		if got := f.Params(app, tt.of); !maps.Equal(got, tt.want) || !slices.Equal(bad, tt.bad) || !slices.Equal(f.Dropped(tt.of), tt.drop) || f.Good() != (tt.bad == nil) {
			t.Errorf("%s: parameters %q, wrong are %v, dropped %v", tt.name, got, bad, f.Dropped(tt.of))
		}
	}
}

// TestOptions: fields of an option that is not chosen are not asked for, and nothing is read from them.
func TestOptions(t *testing.T) {
	make := func() *Form {
		return New(Group{Fields: []Field{{Name: "when", Kind: Radio, Value: "a", Options: []Option{
			{Value: "a", Fields: []Field{{Name: "x", Kind: Text, Required: true, Says: []string{"x "}}}},
			{Value: "b", Fields: []Field{{Name: "y", Kind: Secret, Required: true, Says: []string{"y "}}}},
		}}}}, Group{Title: "empty"})
	}
	f := make()
	if len(f.Groups) != 1 || field(f, "x").Asked() {
		t.Error("a group without fields is there, or the browser insists on what it may not show")
	}
	f.Read(url.Values{"when": {"b"}, "x": {"1"}, "y": {"2"}})
	if f.Value("x") != "" || f.Value("y") != "2" || !f.Good() {
		t.Errorf("x %q, y %q", f.Value("x"), f.Value("y"))
	}
	f.Explain("X and Y are wrong")
	if field(f, "x").Problem != "" || field(f, "y").Problem == "" {
		t.Error("what the cloud says is not at the field that was asked for")
	}
	f = make()
	f.Read(url.Values{"when": {"c"}})
	if f.Good() || field(f, "when").Problem == "" {
		t.Error("an option that is none was taken")
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "", time.Minute: "1m", 90 * time.Second: "1m30s", 2 * time.Hour: "2h", 70 * time.Minute: "1h10m", 10 * time.Hour: "10h", 20 * time.Second: "20s", 10 * time.Minute: "10m"} {
		got := DurationText(d)
		back, err := parseDuration(got)
		if got != want || want != "" && (err != nil || back != d) {
			t.Errorf("%s is %q, and back %s, %v", d, got, back, err)
		}
	}
	if d, err := parseDuration("10"); err != nil || d != 10*time.Minute {
		t.Errorf("a number alone: %s, %v", d, err)
	}
}
