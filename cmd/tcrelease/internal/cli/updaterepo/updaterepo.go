package updaterepo

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
)

// Command returns "tcrelease update-repo".
func Command() *cobra.Command {
	return cli.Group("update-repo", "keep the signed repository that self-update trusts",
		"Update-repo keeps an update repository (TUF). Changes are staged until enough keys of the role have signed them;\n"+
			"keys may sign one after the other, on different machines: all but targets/ has to travel with them.\n\n"+
			"  tcrelease update-repo init repo --keys keys\n"+
			"  tcrelease update-repo add repo dist/tcenvsvr --version 1.4.2 --os linux --arch amd64 --delta-from old/tcenvsvr\n"+
			"  tcrelease update-repo sign repo --key targets-1.pem\n"+
			"  tcrelease update-repo sign repo --key targets-2.pem --key snapshot.pem --key timestamp.pem\n"+
			"  tcrelease update-repo bundle repo -o update-1.4.2.zip 1.4.2",
		initCommand(), addCommand(), signCommand(), rotateCommand(), revokeCommand(), bundleCommand(), listCommand())
}
