package help

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// WriteMan writes the manual pages of root, of all its commands and of its topics into dir, which
// exists, and returns the names of the pages. The version stands at the foot of each page.
func WriteMan(root *cobra.Command, dir, version string) ([]string, error) {
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Title: "TCENVSVR", Section: "1", Source: "tcenvsvr " + version, Manual: "Environment Server"}
	if err := doc.GenMan(root, header, io.Discard); err != nil { // fills in the date: SOURCE_DATE_EPOCH, or now
		return nil, fmt.Errorf("writing manual pages: %w", err)
	}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return nil, fmt.Errorf("writing manual pages: %w", err)
	}
	for _, c := range root.Commands() {
		page, ok := c.Annotations[manual]
		if !ok {
			continue
		}
		title := "TCENVSVR-" + strings.ToUpper(c.Name())
		head := fmt.Sprintf(".TH %q \"1\" %q %q %q\n", title, header.Date.Format("Jan 2006"), header.Source, header.Manual)
		file := filepath.Join(dir, "tcenvsvr-"+c.Name()+".1")
		if err := os.WriteFile(file, []byte(head+page), 0o644); err != nil {
			return nil, fmt.Errorf("writing manual pages: %w", err)
		}
	}
	return filepath.Glob(filepath.Join(dir, "tcenvsvr*.1"))
}

// man is the topic as a manual page, without the line of its title.
func (t Topic) man() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".SH NAME\ntcenvsvr-%s \\- %s\n.SH DESCRIPTION\n", roff(t.Name), roff(t.Short))
	if t.Intro != "" {
		fmt.Fprintf(&b, "%s\n", roff(t.Intro))
	}
	for _, s := range t.Sections {
		if s.Title != "" {
			fmt.Fprintf(&b, ".PP\n%s\n", roff(s.Title))
		}
		for _, r := range s.Rows {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(strings.TrimSpace(r.Term)), roff(r.Text))
		}
	}
	b.WriteString(".SH SEE ALSO\n\\fBtcenvsvr(1)\\fR\n")
	return b.String()
}

// roff keeps the formatter from obeying text.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
