package cli

import (
	"regexp"
	"strings"
	"testing"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// TestTopicsNameCommandsThatExist: what help says to type exists.
func TestTopicsNameCommandsThatExist(t *testing.T) {
	root := newRoot(&env.Env{})
	named := 0
	for _, topic := range root.Commands() {
		if !topic.IsAdditionalHelpTopicCommand() {
			continue
		}
		text := strings.Join(strings.Fields(topic.Long), " ")
		for _, m := range regexp.MustCompile(`"tcenvsvr ([a-z.-]+(?: [a-z.-]+)*)`).FindAllStringSubmatch(text, -1) {
			named++
			words := strings.Fields(m[1])
			topic, isHelp := strings.CutPrefix(m[1], "help ")
			if isHelp {
				words = []string{topic}
			}
			if c, _, err := root.Find(words); err != nil || c == root || c.HasSubCommands() {
				t.Errorf("there is no command %q", "tcenvsvr "+m[1])
			}
		}
	}
	if named == 0 {
		t.Fatal("no command was found")
	}
}
