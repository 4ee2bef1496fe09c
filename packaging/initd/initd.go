package initd

import _ "embed" // files, so that shells and editors know them

// The scripts.
var (
	//go:embed sysv.sh
	SysV string
	//go:embed openrc.sh
	OpenRC string
	//go:embed launchd.plist
	Launchd string
)
