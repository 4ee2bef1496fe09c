package updater

// Hints has the phases in which an update may stay, each with what it means and what to try. Help
// prints the table. All other phases pass by themselves.
var Hints = map[string]string{
	"available":   "updateMode is notify or package: \"tcenvsvr update apply\", or the package manager",
	"blocked":     "SELinux, fapolicyd or noexec does not let the release run: allow it, then \"tcenvsvr update resume\"",
	"held":        "the package was downgraded: \"tcenvsvr update resume\"",
	"lost":        "a slot or root's state was damaged, and the package's program runs; the release comes again by itself",
	"not_newer":   "an older version is wanted: \"tcenvsvr update pin VERSION\", if you mean it",
	"off":         "updateMode is off: nothing is asked",
	"refused":     "root's side refused the release; the reason is beside it",
	"rolled_back": "the release failed here: the journal says how; \"tcenvsvr update resume\" tries it again",
	"unavailable": "root's side never ran: start the agent by \"systemctl start threatconnect-envsvr\"",
	"waiting":     "verified and ready, but the window or the cloud's date is not there yet: \"tcenvsvr update apply\"",
}
