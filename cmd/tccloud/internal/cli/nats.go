package cli

import "github.com/spf13/cobra"

// natsTopic is the help topic about a cloud of several machines.
func natsTopic() *cobra.Command {
	return &cobra.Command{Use: "nats", Short: "a cloud on several machines: nodes, gateways, backup, upgrade", Long: `TBD`}
}
