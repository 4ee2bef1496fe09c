package cloud

import (
	"strings"
	"testing"
)

func TestSaid(t *testing.T) {
	for answer, want := range map[string]string{
		"":                         "",
		"not your order\n":         "not your order",
		"want a < b, b > c":        "want a < b, b > c",
		"a\x1b[2Jb":                "a?[2Jb",
		strings.Repeat("ab ", 999): strings.Repeat("ab ", 99) + "…",
		"\n<html><head><title>502 Bad Gateway</title><style>p { color: red }</style></head>\r\n<body><!-- a --><h1>502 Bad\nGateway</h1><script>x()</script><hr>nginx &amp; co": "502 Bad Gateway 502 Bad Gateway nginx & co",
		"<script>never ended": "never ended",
	} {
		if got := said(answer); got != want {
			t.Errorf("%.40q: got %q, want %q", answer, got, want)
		}
	}
}
