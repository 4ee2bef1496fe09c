package updater

import (
	"slices"

	"tcenvsvr/updater/slot/state"
)

// Summary is how self-update stands on this host, for the cloud.
type Summary struct {
	Mode, Phase, Wanted string
	Failed, Reason      string // the newest release that did not work here, and why
}

// Summary puts both sides together.
func (u *Updater) Summary() Summary {
	p := u.Progress()
	s := Summary{Mode: string(u.Policy().Mode), Phase: p.Phase, Wanted: p.Wanted, Reason: p.Reason}
	if p.Error != "" {
		s.Reason = p.Error
	}
	root, err := u.root()
	if err != nil || len(root.Bad) == 0 {
		return s
	}
	newest := slices.MaxFunc(root.Bad, func(a, b state.Mark) int { return a.At.Compare(b.At) })
	if newest.Class != state.Policy && newest.Class != state.Undone {
		s.Failed, s.Reason = newest.Version, string(newest.Class)+": "+newest.Reason
	}
	if len(s.Reason) > 500 {
		s.Reason = s.Reason[:500]
	}
	return s
}
