package release

import (
	"fmt"
	"io"
	"strings"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

func printReleases(w io.Writer, k releases.Known) {
	if k.Problem != "" {
		fmt.Fprintf(w, "agents cannot use the metadata: %s\n", plain.Line(k.Problem))
	}
	cli.Table(w, "VERSION\tPLATFORM\tSIZE\tDELTAS\tSEVERITY\tSHA256", func(row func(...any)) {
		for _, r := range k.Releases {
			row(r.Version, r.OS+"/"+r.Arch, r.Size, len(r.Deltas), r.Severity, r.SHA256[:12])
		}
	})
	if !k.Expires.IsZero() {
		fmt.Fprintf(w, "metadata expires %s\n", operator.Time(k.Expires))
	}
}

func printPackages(w io.Writer, list []v1.Package) {
	if len(list) == 0 {
		return
	}
	cli.Table(w, "PACKAGE\tVERSION\tSYSTEM\tARCH\tSIZE\tSIGNED\tSHA256", func(row func(...any)) {
		for _, p := range list {
			row(p.Name, p.Version, p.System, p.Arch, p.Size, operator.Yes(p.Signed), p.SHA256[:12])
		}
	})
}

func printPlan(w io.Writer, p releases.Plan) {
	for _, name := range operator.Sorted(p.Channels) {
		r := p.Channels[name]
		text := fmt.Sprintf("%s to %g %%", r.Version, r.Percent)
		if len(r.Canaries) > 0 {
			text += fmt.Sprintf(" and %d canaries", len(r.Canaries))
		}
		if !r.NotBefore.IsZero() {
			text += ", not before " + operator.Time(r.NotBefore)
		}
		if r.Halted != "" {
			text += ", HALTED: " + plain.Line(r.Halted)
		}
		fmt.Fprintf(w, "channel %s\t%s\n", name, text)
	}
	for _, name := range operator.Sorted(p.Environments) {
		fmt.Fprintf(w, "Environment %s\t%s\n", name, choice(p.Environments[name]))
	}
	for _, xid := range operator.Sorted(p.Servers) {
		fmt.Fprintf(w, "server %s\t%s\n", xid, choice(p.Servers[xid]))
	}
}

func choice(c releases.Choice) string {
	var parts []string
	if c.Pin != "" {
		parts = append(parts, "pinned to "+c.Pin)
	}
	if c.Channel != "" {
		parts = append(parts, "channel "+c.Channel)
	}
	return strings.Join(parts, ", ")
}
