package plain_test

import (
	"fmt"
	"os"

	"tcenvsvr/agent/logging/plain"
)

// What a server answered becomes the reason in an error.
func Example() {
	answer := "<b>no\x1b[2J</b>\nhint: run this as root"
	fmt.Println(plain.Line(answer))
	fmt.Println(plain.Head(plain.Line(answer), 16))
	// Output:
	// <b>no?[2J</b> hint: run this as root
	// <b>no?[2J</b>…
}

// A file may be called anything.
func ExampleName() {
	fmt.Println(plain.Name("report.csv\nall is well"))
	// Output: report.csv?all is well
}

// A child's output goes to the terminal of root.
func ExampleWriter() {
	out := plain.NewWriter(os.Stdout)
	fmt.Fprint(out, "one\n\x1b]0;title\atwo\n")
	// Output:
	// one
	// ?]0;title?two
}

// An error says at its end why something failed.
func ExampleTail() {
	fmt.Println(plain.Tail("opening \"/a/very/long/path\": permission denied", 17))
	// Output: permission denied
}
