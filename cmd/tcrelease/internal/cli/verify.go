package cli

import "github.com/spf13/cobra"

func verifyCommand(e *env) *cobra.Command { return &cobra.Command{Use: "verify"} }
