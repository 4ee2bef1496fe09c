package host

import (
	"strings"
	"testing"
)

// TestSu has the package meet su files of several shapes: who becomes whom without a password stays
// as it was for everybody, but the agent's user becomes tc-job where the file allows it at all.
func TestSu(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	el := s.Read("/etc/pam.d/su")
	const rest = "auth substack system-auth\naccount include system-auth\nsession include system-auth\n"
	const alice = "auth [success=ignore default=1] pam_succeed_if.so user = alice\nauth sufficient pam_permit.so\nauth sufficient pam_rootok.so\n" + rest
	s.Run("sh", "-ec", "groupadd -f wheel; useradd -m -G wheel carol; useradd -r -d /opt/threatconnect-envsvr threatconnect; useradd -r tc-job; echo FAIL_DELAY 0 >> /etc/login.defs; chgrp games /etc/pam.d/su; chmod 640 /etc/pam.d/su")

	// The first one is there before the package.
	s.Write("/etc/pam.d/su", alice, 0o640)
	before := s.whoBecomesWhom()
	s.install(older)
	s.becomes("a jump for alice, at the installation", before, true)

	for name, c := range map[string]struct {
		su, include string
		works       bool
		say         string
	}{
		"EL":                       {su: el, works: true},
		"Debian":                   {su: "auth sufficient pam_rootok.so\nsession required pam_env.so readenv=1\n@include common-auth\n@include common-account\n@include common-session\n", works: true},
		"a jump for alice":         {su: alice, works: true},
		"root jumps":               {su: "auth [success=2 default=ignore] pam_rootok.so\nauth requisite pam_wheel.so use_uid group=wheel\nauth required pam_unix.so\nauth required pam_permit.so\naccount required pam_unix.so\n", works: true},
		"wheel in front":           {su: "#%PAM-1.0\nauth required pam_wheel.so use_uid\n" + strings.TrimPrefix(el, "#%PAM-1.0\n"), say: "threatconnect cannot become tc-job by su"},
		"wheel behind, as in STIG": {su: strings.Replace(el, "#auth\t\trequired\tpam_wheel.so", "auth\t\trequired\tpam_wheel.so", 1), works: true},
		"an include that jumps":    {su: "auth include jumper\nauth requisite pam_wheel.so use_uid\nauth sufficient pam_rootok.so\n" + rest, include: "auth [success=1 default=ignore] pam_rootok.so\n", works: true},
		"a substack that jumps":    {su: "auth substack jumper\nauth sufficient pam_rootok.so\n" + rest, include: "auth [success=1 default=ignore] pam_rootok.so\nauth optional pam_permit.so\n", works: true},
		"goes on, no newline":      {su: "account required pam_unix.so\nauth [success=1 \\\n  default=ignore] pam_rootok.so\nauth required pam_unix.so\nauth required pam_permit.so", works: true},
		"carriage returns":         {su: "#%PAM-1.0\r\nauth required pam_env.so \r\nauth sufficient pam_rootok.so \r\nauth required pam_unix.so \r\naccount required pam_unix.so \r\n", works: true},
		"no auth line":             {su: "account required pam_unix.so\n", say: "it has no auth line"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.as(t)
			s.Run("tcenvsvr", "host", "remove")
			s.Write("/etc/pam.d/su", c.su, 0o640)
			s.Write("/etc/pam.d/jumper", c.include, 0o644)
			before := s.whoBecomesWhom()
			applied := s.Run("tcenvsvr", "host", "apply")
			checked := s.Run("tcenvsvr", "host", "check") // that su cannot be had fails nothing
			if !strings.Contains(applied, c.say) || !strings.Contains(checked, c.say) {
				t.Errorf("it does not say %q:\n%s\n%s", c.say, applied, checked)
			}
			s.becomes(name, before, c.works)
			s.Run("runuser", "-u", "threatconnect", "--", "sudo", "-n", "-u", "tc-job", "true")
			s.Run("tcenvsvr", "host", "remove")
			if is := s.Read("/etc/pam.d/su"); is != c.su {
				t.Errorf("after remove: %q, want %q", is, c.su)
			}
			if is := s.Run("stat", "-c", "%U:%G %a", "/etc/pam.d/su"); is != "root:games 640\n" {
				t.Errorf("it has become %s", is)
			}
		})
	}
	if left := s.Run("sh", "-c", "ls -A /tmp /etc/pam.d | grep -E 'tcenvsvr-su|tmp$' || :"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// whoBecomesWhom tries su from four users, without a password.
func (s *site) whoBecomesWhom() string {
	s.t.Helper()
	return s.Run("sh", "-c", `for from in root threatconnect bob carol; do for to in tc-job root alice; do
		if setpriv --reuid $from --regid $(id -g $from) --init-groups setsid -w su $to -c true </dev/null >/dev/null 2>&1; then echo "$from $to yes"; else echo "$from $to no"; fi
		done; done`)
}

// becomes fails the test where who becomes whom is not as it was before, but for threatconnect and
// tc-job.
func (s *site) becomes(when, before string, works bool) {
	s.t.Helper()
	want := strings.ReplaceAll(before, "threatconnect tc-job yes", "threatconnect tc-job no")
	if works {
		want = strings.ReplaceAll(want, "threatconnect tc-job no", "threatconnect tc-job yes")
	}
	if is := s.whoBecomesWhom(); is != want {
		s.t.Errorf("%s: who becomes whom is\n%s\nwant\n%s\nwith\n%s", when, is, want, s.Read("/etc/pam.d/su"))
	}
}
