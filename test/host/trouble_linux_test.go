package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// directory has a user directory, which nss-systemd reads as sssd reads LDAP, know a user.
func directory(t *testing.T, root, name, uid string) {
	t.Helper()
	user := `{"userName":"` + name + `","uid":` + uid + `,"gid":` + uid + `,"homeDirectory":"/","shell":"/bin/sh"}`
	group := `{"groupName":"` + name + `","gid":` + uid + `}`
	write(t, filepath.Join(root, "etc/userdb", name+".user"), user)
	write(t, filepath.Join(root, "etc/userdb", name+".group"), group)
	must(t, os.Symlink(name+".user", filepath.Join(root, "etc/userdb", uid+".user")), "naming the user by number")
	must(t, os.Symlink(name+".group", filepath.Join(root, "etc/userdb", uid+".group")), "naming the group by number")
}

func write(t *testing.T, file, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o755), "making a folder")
	must(t, os.WriteFile(file, []byte(text), 0o644), "writing "+file)
}

// TestTrouble installs on machines where something is not as we would like it: the transaction
// succeeds and says what is odd, or refuses and says why.
func TestTrouble(t *testing.T) {
	cases := []struct {
		name    string
		edit    func(t *testing.T, root string) // before it boots
		make    string                          // after
		refused bool
		words   []string // in what dnf says
		check   string   // succeeds afterwards
	}{
		{
			name:  "su without auth lines",
			make:  "echo 'account required pam_unix.so' > /etc/pam.d/su",
			words: []string{"it has no auth line"},
			check: "[ $(wc -l < /etc/pam.d/su) = 1 ] && runuser -u threatconnect -- sudo -n -u tc-job true",
		},
		{
			name: "a host that was made by hand by the guide",
			make: `useradd -r -m -d /opt/threatconnect-envsvr threatconnect && useradd tc-job
				printf 'Defaults:threatconnect !requiretty\nthreatconnect ALL=(tc-job) NOPASSWD: ALL\n' > /etc/sudoers.d/threatconnect
				chmod 440 /etc/sudoers.d/threatconnect
				mkdir -p /opt/threatconnect-envsvr/.tcenvsvr && echo 'logLevel: debug' > /opt/threatconnect-envsvr/.tcenvsvr/settings.yaml
				chown -R threatconnect: /opt/threatconnect-envsvr`,
			words: []string{""},
			check: `! grep -q pam_session /etc/sudoers.d/threatconnect && grep -q 'logLevel: debug' /opt/threatconnect-envsvr/.tcenvsvr/settings.yaml &&
				runuser -u threatconnect -- sudo -n -u tc-job true && runuser -u threatconnect -- su tc-job -c true`,
		},
		{
			name: "sudoers that visudo refuses",
			make: "mkdir -p /etc/sudoers.d && echo 'no such rule' > /etc/sudoers.d/threatconnect && chmod 440 /etc/sudoers.d/threatconnect",
			// Others' rules go on to work, and ours with them.
			words: []string{"is not valid"},
			check: "visudo -c && runuser -u threatconnect -- sudo -n -u tc-job true",
		},
		{
			name:  "no setfacl",
			make:  "rm /usr/bin/setfacl",
			check: "getfacl /opt/threatconnect-envsvr/.tcenvsvr/exchange/jobs 2>&1 | grep default:user:tc-job:rwx",
		},
		{
			name: "read-only /etc", make: "mount --bind /etc /etc && mount -o remount,bind,ro /etc",
			refused: true, words: []string{"Error"}, // rpm's own, before any script runs
			check: "[ ! -e /usr/libexec/threatconnect-envsvr/tcenvsvr ]",
		},
		{
			name: "read-only /etc/pam.d", make: "mount --bind /etc/pam.d /etc/pam.d && mount -o remount,bind,ro /etc/pam.d",
			words: []string{"read-only file system"},
			check: "runuser -u threatconnect -- sudo -n -u tc-job true",
		},
		{
			name: "users of a directory service",
			edit: func(t *testing.T, root string) {
				directory(t, root, "threatconnect", "5001")
				directory(t, root, "tc-job", "5002")
			},
			check: "! grep -q threatconnect /etc/passwd && [ $(stat -c %u /opt/threatconnect-envsvr/.tcenvsvr) = 5001 ] && runuser -u threatconnect -- sudo -n -u tc-job true",
		},
		{
			name: "tc-job is root", make: "useradd -o -u 0 -M tc-job",
			refused: true, words: []string{"is root"},
			check: "[ ! -e /usr/libexec/threatconnect-envsvr/tcenvsvr ]",
		},
		{
			name: "tc-job expired", make: "useradd -M tc-job && chage -E 0 -d 0 tc-job",
			words: []string{"has expired"},
			check: "runuser -u threatconnect -- sudo -n -u tc-job true",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(root string) {
				if c.edit != nil {
					c.edit(t, root)
				}
			})
			if c.make != "" {
				s.Run("sh", "-ec", c.make)
			}
			_, closed := s.Try("su", "alice", "-c", "true")
			out, err := s.Try("dnf", "-y", "install", nevra(older))
			if (err != nil) != c.refused {
				t.Fatalf("dnf: %v; want it refused: %v\n%s", err, c.refused, out)
			}
			for _, word := range c.words {
				if !strings.Contains(out, word) {
					t.Errorf("dnf does not say %q:\n%s", word, out)
				}
			}
			if said, err := s.Try("sh", "-c", c.check); err != nil {
				t.Errorf("afterwards: %v\n%s\ndnf said:\n%s", err, said, out)
			}
			if !c.refused {
				s.dnf("remove", product)
				if _, err := s.Try("su", "alice", "-c", "true"); closed == nil && err != nil {
					t.Errorf("root's way by su is not open any more: %v", err)
				}
			}
		})
	}
}
