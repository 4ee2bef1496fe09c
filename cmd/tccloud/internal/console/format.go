package console

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// functions are what templates may call.
var functions = template.FuncMap{
	"asset":    func(name string) string { return assetPath + name },
	"icon":     icon,
	"when":     when,
	"stamp":    stamp,
	"stamped":  stamped,
	"bytes":    bytesText,
	"size":     func(n int64) string { return bytesText(uint64(max(n, 0))) },
	"count":    count,
	"duration": duration,
	"nav":      func() []entry { return navigation },
	"console":  func(path string) string { return Prefix + path },
	"at":       at,
	"crumbs":   crumbsOf,
	"confirm":  confirmOf(false),
	"beware":   confirmOf(true),
	"empty":    func(what, about string) emptiness { return emptiness{What: what, About: about} },
	"brief":    func(s string) string { return clip(s, 160) },
	"clip":     func(s string) string { return clip(s, 400) },
	"millis":   millis,
	"joined":   func(list []string) string { return strings.Join(list, ", ") },
}

// at is the path of a page or an action, whose parts may have any text in them.
func at(parts ...any) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(fmt.Sprint(p))
	}
	return Prefix + strings.Join(escaped, "/")
}

// clip is the beginning of a text that may be long, and how long it is.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "… (" + bytesText(uint64(len(s))) + ")"
}

// millis is a duration of the API as text.
func millis(ms int64) string { return duration(time.Duration(ms) * time.Millisecond) }

// stamp is a time as programs read it: the script of a page makes local time of it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// when is a time as people read it without a script.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// stamped is the time of a stamp as people read it, "–" for none.
func stamped(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "–"
	}
	return when(t)
}

// bytesText is a size in binary units.
func bytesText(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatUint(n, 10) + " B"
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if f < 10 {
		return fmt.Sprintf("%.1f %ciB", f, units[i])
	}
	return fmt.Sprintf("%.0f %ciB", f, units[i])
}

// shareText is a part of a size, with the unit once where both have the same.
func shareText(part, whole uint64) string {
	p, w := bytesText(part), bytesText(whole)
	if n, unit, _ := strings.Cut(p, " "); strings.HasSuffix(w, " "+unit) {
		p = n
	}
	return p + " of " + w
}

// count is "1 server" or "2 servers".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

// number groups digits by thousands.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// duration is rounded to what matters.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + duration(-d)
	case d < time.Microsecond:
		return "0"
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000)
	case d < time.Minute:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// percent is a share, rounded.
func percent(part, whole float64) string {
	if whole <= 0 {
		return ""
	}
	return strconv.Itoa(int(min(max(part/whole, 0), 1)*100 + 0.5))
}

// icons are drawn in a square of 16, with the colour of the text around them.
var icons = map[string]template.HTML{
	"environments": `<rect x="2.5" y="2.5" width="4.5" height="4.5" rx="1"/><rect x="9" y="2.5" width="4.5" height="4.5" rx="1"/><rect x="2.5" y="9" width="4.5" height="4.5" rx="1"/><rect x="9" y="9" width="4.5" height="4.5" rx="1"/>`,
	"servers":      `<rect x="2" y="2.5" width="12" height="4.5" rx="1.2"/><rect x="2" y="9" width="12" height="4.5" rx="1.2"/><path d="M4.7 4.75h.01M4.7 11.25h.01"/>`,
	"executions":   `<path d="M5 3.2v9.6l7.5-4.8z"/>`,
	"apps":         `<path d="M8 1.8 13.6 5v6L8 14.2 2.4 11V5z"/><path d="M2.4 5 8 8.2 13.6 5M8 8.2v6"/>`,
	"jobs":         `<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.4 1.6"/>`,
	"services":     `<path d="M1.8 8h2.7l1.9-5 3.2 10 1.9-5h2.7"/>`,
	"releases":     `<path d="M8 10.5V2.2M4.8 5.2 8 2.2l3.2 3M2.5 10.5v2.2c0 .6.4 1 1 1h9c.6 0 1-.4 1-1v-2.2"/>`,
	"variables":    `<path d="M5.2 2.5C3.4 2.5 4.6 7 2.5 8c2.1 1 .9 5.5 2.7 5.5M10.8 2.5c1.8 0 .6 4.5 2.7 5.5-2.1 1-.9 5.5-2.7 5.5"/>`,
	"audit":        `<path d="M4 2h6l3 3v9H4z"/><path d="M6.5 7h4M6.5 10h4"/>`,
	"users":        `<circle cx="8" cy="5.3" r="2.8"/><path d="M2.8 13.8c.5-2.8 2.6-4.3 5.2-4.3s4.7 1.5 5.2 4.3"/>`,
	"menu":         `<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
	"plus":         `<path d="M8 3v10M3 8h10"/>`,
	"download":     `<path d="M8 2.2v8.3M4.8 7.5 8 10.5l3.2-3M2.5 13.5h11"/>`,
	"warning":      `<path d="M8 2 14.5 13.5h-13z"/><path d="M8 6.3v3.4M8 11.6h.01"/>`,
	"check":        `<path d="m3 8.5 3.2 3.2L13 4.8"/>`,
	"more":         `<path d="M3.5 8h.01M8 8h.01M12.5 8h.01"/>`,
	"arrow":        `<path d="M6 3.5 10.5 8 6 12.5"/>`,
}

// icon draws one; texts beside it say what it means.
func icon(name string) template.HTML {
	return `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + icons[name] + `</svg>`
}
