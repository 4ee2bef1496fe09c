package readme_test

import (
	"fmt"
	"slices"
	"testing"

	"tcenvsvr/test/readme"
)

const document = "# Two words, and `code`\n" +
	"See [updates](updater/README.md#states) and `tcenvsvr help errors`.\n" +
	"```sh\n# not a heading\ntcenvsvr status    # the connection\n```\n" +
	"```mermaid\nflowchart LR\n```\n"

func ExampleCommands() {
	fmt.Println(readme.Commands(document))
	// Output: [tcenvsvr status]
}

func ExampleNamed() {
	fmt.Printf("%q\n", readme.Named(document))
	// Output: ["tcenvsvr status" "code" "tcenvsvr help errors"]
}

func ExampleLinks() {
	fmt.Println(readme.Links(document))
	// Output: [updater/README.md#states]
}

func ExampleAnchors() {
	fmt.Println(readme.Anchors(document))
	// Output: map[two-words-and-code:true]
}

// TestPlans: a command is run, or it is said why not; a document has its place.
func TestPlans(t *testing.T) {
	for document, plans := range readme.Plans {
		if !slices.Contains(slices.Concat(readme.OnServer...), document) && !slices.Contains(readme.OnDesk, document) {
			t.Errorf("%s has plans, and nobody runs it", document)
		}
		for line, plan := range plans {
			if plan.Not != "" && (plan.Exit != 0 || plan.Says != "" || plan.Typed != nil || plan.Input != "") {
				t.Errorf("%s: %q is not run, and has what should come of it", document, line)
			}
		}
	}
}
