package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent"
	"tcenvsvr/agent/app/api"
	appfault "tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	linkfault "tcenvsvr/agent/link/fault"
	"tcenvsvr/updater"
	"tcenvsvr/updater/handover"
)

// errorsTopic is a help topic: "tcenvsvr help errors". Its lists are those
// of the packages that make the codes.
func errorsTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("Codes name what went wrong; they keep their meaning. The message beside a code says more.\n")
	list(&b, `An execution that did not go well ("error" in "tccloud run" and the cloud's lists):`, appfault.Hints, job.Hints, agent.Hints)
	list(&b, `A host that takes no orders ("tcenvsvr status", "tccloud server list"; a code of the first list is possible, too):`, fitness.Hints)
	list(&b, "An order that this server did not accept (the cloud gives it to another one, or again later):", agent.RefusalHints)
	list(&b, `The connection to the cloud ("tcenvsvr status"):`, connection())
	list(&b, `An update that stays where it is ("tcenvsvr update status"):`, updater.Hints)
	list(&b, `A release that was refused (the code beside "refused"):`, handover.RefusalHints)
	list(&b, "An App's request to its API (status of the answer, in the App's log):", api.Hints)
	return &cobra.Command{Use: "errors", Short: "what the error codes mean, and what to try", Long: strings.TrimRight(b.String(), "\n")}
}

// connection are the codes of the link, of which the cloud's have two prefixes.
func connection() map[linkfault.Code]string {
	hints := map[linkfault.Code]string{}
	for _, row := range linkfault.Codes() {
		hints[row.Code] = row.Hint
	}
	return hints
}

const (
	codeWidth = 24 // of the longest but a few
	textWidth = 76
)

// list writes one section, in the order of its codes.
func list[K cmp.Ordered](b *strings.Builder, title string, tables ...map[K]string) {
	all := map[K]string{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, code := range slices.Sorted(maps.Keys(all)) {
		name := fmt.Sprint(code)
		for i, line := range wrap(all[code], textWidth) {
			if i == 0 && len(name) > codeWidth {
				fmt.Fprintf(b, "  %s\n", name)
				name = ""
			}
			fmt.Fprintf(b, "  %-*s %s\n", codeWidth, name, line)
			name = ""
		}
	}
}

// wrap breaks text between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
