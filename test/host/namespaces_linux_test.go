package host

import "testing"

func TestNoNamespaces(t *testing.T) {
	s := siteOn(t, BootApart)
	t.Log(s.Run("sh", "-c", "cat /proc/self/uid_map; id; sysctl -w user.max_user_namespaces=0; cat /proc/sys/user/max_user_namespaces; ls -la / /etc | head -40; mount | head -40"))
	t.Log(s.Try("unshare", "-U", "true"))
}
