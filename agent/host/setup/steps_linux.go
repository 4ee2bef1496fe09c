package setup

// steps in the order in which they need each other.
var steps = []step{
	{"users", users, nil},
	{"way", way, nil},
	{"folders", folders, nil},
	{"state", stateFiles, nil},
	{"settings", sandboxSetting, nil},
	{"sudoers", sudoers, sudoersGone},
	{"sudo", sudoWorks, nil},
	{"su", pamBlock, pamGone},
	{"runtime", runtimePaths, runtimeGone},
	{"fapolicyd", fapolicyd, fapolicydGone},
	{"labels", labels, nil},
}
