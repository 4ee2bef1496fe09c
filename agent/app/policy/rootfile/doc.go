// Package rootfile reads a file that root alone can have written, so that what it says is the
// administrator's word, however much else on the host is in other hands.
//
//	/ ─► /etc ─► /etc/threatconnect-envsvr ─► policy.yaml
//	└──────────────┬─────────────────────┘     └─ a regular file, root's, nobody else can write it
//	  folders, root's, nobody else can write them; none is a symbolic link
//
// Folders are checked from the top: in a folder that is root's alone nobody else can put another
// file in the place of the one that was checked.
//
// A file that was changed just now is read again until it rests: an editor writes in several steps,
// and half a file may mean something else than the whole.
//
// The owner of a file is checked on Unix only. Elsewhere a file that is there is an error that
// wraps [errors.ErrUnsupported].
package rootfile
