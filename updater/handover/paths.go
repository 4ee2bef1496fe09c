package handover

import (
	"path/filepath"
	"runtime"

	"tcenvsvr/agent/host/layout"
)

// Paths are where the parts of self-update lie on a host. Root owns all of them but the inbox.
type Paths struct {
	Baseline string // the package's program, which no update writes
	Slots    string // has a/bin and b/bin
	State    string // for root alone: state.json, lock, audit.jsonl
	Home     string // holds the inbox and does not belong to the agent's user
	Inbox    string // belongs to the agent's user
	Link     string // points at the program to start; "" where the launcher asks Select
	Shim     string // points at the shim of its jobs; "" where no service manager starts those
	Status   string // the file of Status
	Root     string // root of trust of the update repository
}

const (
	// PackagedProgram is the baseline of the RPM.
	PackagedProgram = layout.Libexec + "/" + layout.Program
	// ShimName is the name of the shim beside the package's program. A release is one file, and is
	// its own shim when it is called by this name.
	ShimName = layout.Shim
)

// PackagedPaths are the paths of the RPM.
func PackagedPaths(home string) Paths {
	return Paths{
		Baseline: PackagedProgram, Slots: home, State: layout.UpdaterState,
		Home: home, Inbox: filepath.Join(home, layout.Inbox),
		Link: layout.UpdaterRun + "/" + layout.Program, Shim: layout.UpdaterRun + "/" + ShimName, Status: layout.UpdaterRun + "/status.json",
		Root: layout.Share + "/root.json",
	}
}

// UnpackagedPaths are the paths where everything lies below one folder and belongs to one user: a
// tarball, macOS, Windows.
func UnpackagedPaths(home, baseline string) Paths {
	own := filepath.Join(home, "updater")
	p := Paths{
		Baseline: baseline, Slots: filepath.Join(home, "slots"), State: own,
		Home: home, Inbox: filepath.Join(home, layout.Inbox),
		Link: filepath.Join(own, "run", layout.Program), Status: filepath.Join(own, "run", "status.json"),
		Root: filepath.Join(own, "root.json"), // a program in a slot does not know its baseline
	}
	if runtime.GOOS == "windows" {
		p.Link = "" // links need a privilege there; the launcher starts what Select returns
	}
	return p
}

// PathsFor are the paths of the installation that program belongs to: the package's where it is the
// baseline or in one of the package's slots.
func PathsFor(home, program string) Paths {
	if p := PackagedPaths(home); program == PackagedProgram || p.InSlots(program) {
		return p
	}
	return UnpackagedPaths(home, program)
}

// Program is where the program of a slot lies.
func (p Paths) Program(slot Slot) string {
	if slot == Baseline {
		return p.Baseline
	}
	name := layout.Program
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(p.Slots, string(slot), "bin", name)
}

// InSlots reports whether a program was installed by an update.
func (p Paths) InSlots(program string) bool {
	dir := filepath.Dir(program)
	return dir == filepath.Dir(p.Program(SlotA)) || dir == filepath.Dir(p.Program(SlotB))
}
