package updater

import (
	"slices"

	"tcenvsvr/updater/handover"
)

// Summary is the state of self-update on this host, for the cloud.
type Summary struct {
	Mode, Phase, Wanted string
	Failed, Reason      string // the newest release that failed here, and why; else Reason is that of the phase
}

// Summary combines what both sides know. Its reason is cut at 500 bytes.
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
	newest := slices.MaxFunc(root.Bad, func(a, b handover.Mark) int { return a.At.Compare(b.At) })
	if newest.Class != handover.Policy && newest.Class != handover.Undone {
		s.Failed, s.Reason = newest.Version, string(newest.Class)+": "+newest.Reason
	}
	if len(s.Reason) > 500 {
		s.Reason = s.Reason[:500]
	}
	return s
}
