package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"tcenvsvr/agent/host/acl"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// place is where a run happens.
type place struct {
	*janitor.Guest
	temporary       bool
	programs, trust string
}

// place chooses the home's exchange if it exists and is ours: the sandbox user can enter it, and
// the service behind the socket may write nowhere else. Otherwise the run gets a temporary folder.
// What earlier runs left when they were killed is removed.
func (r *Run) place(ctx context.Context, jobs *parts.Jobs) (*place, error) {
	programs, folders := r.Home.Programs, r.Home.Jobs
	temporary := !ours(programs) || !ours(folders)
	if temporary {
		programs, folders = os.TempDir(), ""
	}
	if temporary && r.Settings.Runner() == "socket" {
		return nil, fmt.Errorf("running App %q: the service behind the socket writes in %q only, which is not ours\nhint: run it as the agent's user (\"sudo -u threatconnect tcenvsvr app run …\")", r.File.Name(), r.Home.Jobs)
	}
	_ = jobs.Janitor(folders).SweepGuests(ctx, programs, folders) // the next run, or the agent, tries again
	guest, err := janitor.NewGuest(programs, folders)
	if err != nil {
		return nil, fmt.Errorf("running App %q: %w", r.File.Name(), err)
	}
	p := &place{Guest: guest, temporary: temporary, programs: filepath.Join(guest.Dir, "programs"), trust: filepath.Join(guest.Dir, "trust")}
	if err := errors.Join(p.make(jobs.User()), jobs.MakeJobDir(p.Job)); err != nil {
		return nil, errors.Join(fmt.Errorf("running App %q: %w", r.File.Name(), err), p.leave(ctx, jobs))
	}
	return p, nil
}

// make makes the folders and lets the sandbox user in, whatever the umask.
func (p *place) make(user string) error {
	dirs := []string{p.programs, p.trust}
	if p.temporary {
		dirs = append(dirs, filepath.Dir(p.Job))
	}
	for _, dir := range dirs {
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
			return err
		}
	}
	switch {
	case !p.temporary: // its parent has default ACLs, which the mode limits
		return os.Chmod(p.Dir, 0o755)
	case user == "":
		return nil
	}
	uid, err := userID(user)
	if err != nil {
		return err
	}
	through := []acl.Grant{{UID: uid, Perm: 1}}
	both := []acl.Grant{{UID: uid, Perm: 7}, {UID: os.Geteuid(), Perm: 7}}
	return errors.Join(share(p.Dir, through, nil), share(filepath.Dir(p.Job), through, both))
}

func share(dir string, here, within []acl.Grant) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return acl.Share(f, here, within)
}

func (p *place) leave(ctx context.Context, jobs *parts.Jobs) error {
	return p.Leave(context.WithoutCancel(ctx), jobs.Janitor(filepath.Dir(p.Job)))
}

// userID is the number of the sandbox user.
func userID(name string) (int, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("looking for the sandbox user: %w", err)
	}
	return strconv.Atoi(u.Uid)
}

// ours reports whether dir is a folder that we own.
func ours(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir() && janitor.Ours(info)
}
