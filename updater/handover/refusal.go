package handover

// RefusalHints has the codes with which root refuses a release, each with what it means and what to
// try. The code is in the [Event] of a status whose phase is [Refused]; help prints the table.
var RefusalHints = map[string]string{
	"artifact":  "the program in the inbox is not the one that was signed: it is fetched again",
	"bad":       "the release failed on this host: \"tcenvsvr update resume\" tries it again",
	"blocked":   "SELinux, fapolicyd or noexec does not let the release run: allow it, then \"tcenvsvr update resume\"",
	"failed":    "another error of this host; the reason says which",
	"folder":    "the folders of the slots do not belong to root alone: \"tcenvsvr host check\"",
	"held":      "updates are held, as after a downgrade of the package: \"tcenvsvr update resume\" ends that",
	"metadata":  "the update metadata cannot be verified: expired, not signed by enough keys, or older than what was seen",
	"min_from":  "the release replaces newer versions only: install one between them first",
	"no_room":   "the disk has no room for one more program: free some space; it is tried again by itself",
	"none":      "no program in the inbox is signed for this system",
	"not_newer": "the release is not newer than what runs: \"tcenvsvr update pin VERSION\", if you mean it",
	"on_trial":  "another release is on trial: wait until it is kept or rolled back",
	"pinned":    "this host is pinned to another version: \"tcenvsvr update pin\" changes that",
	"platform":  "the program is not for this system, or not of this version",
	"same":      "the release is what runs already",
}
