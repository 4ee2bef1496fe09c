package outcome

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCause(t *testing.T) {
	frames := strings.Repeat("\tat org.acme.deep.Stack.call(Stack.java:12)\n", 1000)
	for _, tt := range []struct{ name, stderr, want string }{
		{"nothing", "\n \n", ""},
		{"one line", "one source did not answer\n", "one source did not answer"},
		{"the cause stands above", "ld: cannot load libssl.so.1.1\nstarting failed\ngiving up", "ld: cannot load libssl.so.1.1\nstarting failed\ngiving up"},
		{"Python", `Traceback (most recent call last):
  File "/app/run.py", line 9, in <module>
    main()
    ~~~~^^
  File "/app/run.py", line 6, in main
    raise ValueError("boom")
ValueError: boom
`, "ValueError: boom"},
		{"Python, one from another", `Traceback (most recent call last):
  File "run.py", line 3, in <module>
    d["x"]
    ~^^^^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "run.py", line 5, in <module>
    raise RuntimeError("no feed")
RuntimeError: no feed
`, "KeyError: 'x'\nRuntimeError: no feed"},
		{"Python, more lines", `Traceback (most recent call last):
  File "run.py", line 3, in <module>
    model()
pydantic.error_wrappers.ValidationError: 1 validation error for Input
owner
  field required (type=value_error.missing)
`, "pydantic.error_wrappers.ValidationError: 1 validation error for Input\nowner\n  field required (type=value_error.missing)"},
		{"Java", "Exception in thread \"main\" java.lang.IllegalStateException: no feed\n" + frames +
			"Caused by: java.io.IOException: no route to 10.0.0.1\n" + frames + "\t... 12 more\n",
			"Exception in thread \"main\" java.lang.IllegalStateException: no feed\nCaused by: java.io.IOException: no route to 10.0.0.1"},
		{"what a JVM says of our options", "Picked up JAVA_TOOL_OPTIONS: -Djavax.net.ssl.trustStore=/x\n", ""},
		{"whole lines only", strings.Repeat("x", 200) + "\n" + strings.Repeat("y", 100) + "\nlast", strings.Repeat("y", 100) + "\nlast"},
		{"the end of a long line", strings.Repeat("ä", 300) + "end", strings.Repeat("ä", 252) + "end"},
		{"few lines", strings.Repeat("a\n", 100), strings.Repeat("a\n", 7) + "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Cause(tt.stderr); got != tt.want || utf8.RuneCountInString(got) > MaxMessage {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
