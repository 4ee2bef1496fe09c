package updater

// A State is what "tcenvsvr update status" may say of an update.
type State struct {
	Name    string
	Meaning string // lower case, no full stop
	Try     string // what a person can do; "" = nothing
	Stays   bool   // the update stays there until somebody or something else changes it
}

// Hint says what the state means and what to try.
func (s State) Hint() string {
	if s.Try == "" {
		return s.Meaning
	}
	return s.Meaning + ": " + s.Try
}

// States are the phases of an update, the usual way of an update first. Help and documentation are made from them.
var States = []State{
	{Name: "idle", Meaning: "nothing newer is wanted"},
	{Name: "available", Stays: true, Meaning: "a release waits because updateMode is notify or package",
		Try: `"tcenvsvr update apply", or the package manager ("dnf upgrade")`},
	{Name: "downloading", Meaning: "the release is being downloaded into the inbox"},
	{Name: "staged", Meaning: "the release is downloaded and verified"},
	{Name: "waiting", Stays: true, Meaning: "it is verified and ready, but its window (updateWindow) or the date that the cloud set has not come yet", Try: `"tcenvsvr update apply" installs it now`},
	{Name: "applying", Meaning: "root's side was asked to install it"},
	{Name: "applied", Meaning: "it is installed, and the next start of the agent tries it"},
	{Name: "trying", Meaning: "it runs and has to prove itself", Try: `wait; "systemctl status threatconnect-envsvr" shows the agent`},
	{Name: "good", Meaning: "the last update worked, and nothing newer is wanted"},
	{Name: "rolled_back", Stays: true, Meaning: "the release crashed here, hung, was not healthy in time, or was rolled back by hand",
		Try: `"journalctl -u threatconnect-envsvr" says how; "tcenvsvr update resume" tries it again`},
	{Name: "blocked", Stays: true, Meaning: "SELinux, fapolicyd or noexec does not let the release run",
		Try: `allow /opt/threatconnect-envsvr/a/bin and b/bin, then "tcenvsvr update resume"`},
	{Name: "held", Stays: true, Meaning: "the package was downgraded", Try: `"tcenvsvr update resume"`},
	{Name: "not_newer", Stays: true, Meaning: "an older version is wanted", Try: `"tcenvsvr update pin VERSION", if you mean it`},
	{Name: "packaged", Meaning: "the package manager changed the package's program, which runs now"},
	{Name: "lost", Stays: true, Meaning: "a slot or root's state was damaged, and the package's program runs; the release comes again by itself"},
	{Name: "refused", Stays: true, Meaning: "root's side did not take the release; the code and the reason are beside it", Try: `"tcenvsvr help errors" explains the code`},
	{Name: "unavailable", Stays: true, Meaning: "root's side never ran", Try: `start the agent by "systemctl start threatconnect-envsvr"`},
	{Name: "off", Stays: true, Meaning: "updateMode is off: nothing is asked"},
}

// Notices are what may stand beside a phase.
var Notices = []State{
	{Name: "nobody took the release from the inbox", Meaning: "the units of root's side do not run",
		Try: `"systemctl list-units 'threatconnect-envsvr-*' --all" shows them; unmask them, then restart the agent`},
	{Name: "metadata expires (a date that is near, or over)", Meaning: "the cloud did not sign the update metadata anew, and the agent works on without updates",
		Try: "tell the cloud's administrators"},
}
