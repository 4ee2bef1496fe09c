#!/bin/sh
# el.sh ROOT RECIPE: makes a Debian root look like EL 9 where our package
# and its administrators would notice the difference.
set -eu
root=$1
recipe=$2

# rpm: Fedora's place of the database. What dnf may ask for is in a package
# that is nothing but its Provides; Debian's own packages supply the files.
install -D -m 644 "$recipe/debian-as-el.spec" "$root/tmp/debian-as-el.spec"
mkdir -p "$root/etc/rpm"
printf '%%_dbpath /var/lib/rpm\n' >"$root/etc/rpm/macros"
chroot "$root" rpmbuild --quiet -bb --define '_topdir /tmp/rpmbuild' /tmp/debian-as-el.spec
chroot "$root" sh -c 'rpm -i --force-debian --nodeps /tmp/rpmbuild/RPMS/noarch/*.rpm'
rm -rf "$root/tmp/rpmbuild" "$root/tmp/debian-as-el.spec" "$root/root/.rpmdb"
printf '%%_dbpath /var/lib/rpm\n%%_pkgverify_level all\n%%rhel 9\n%%dist .el9\n' >"$root/etc/rpm/macros"
mkdir -p "$root/etc/yum.repos.d" "$root/etc/dnf/vars"
echo 9 >"$root/etc/dnf/vars/releasever"

# PAM: EL's layout, by authselect's profile "minimal" and util-linux.
pam=$root/etc/pam.d
cat >"$pam/system-auth" <<'PAM'
#%PAM-1.0
auth        required      pam_env.so
auth        sufficient    pam_unix.so nullok
auth        required      pam_deny.so
account     required      pam_unix.so
password    sufficient    pam_unix.so shadow nullok
password    required      pam_deny.so
session     required      pam_limits.so
session     optional      pam_systemd.so
session     required      pam_unix.so
PAM
cp "$pam/system-auth" "$pam/password-auth"
echo 'session optional pam_umask.so silent' >"$pam/postlogin"
cat >"$pam/su" <<'PAM'
#%PAM-1.0
auth		required	pam_env.so
auth		sufficient	pam_rootok.so
# Uncomment the following line to implicitly trust users in the "wheel" group.
#auth		sufficient	pam_wheel.so trust use_uid
# Uncomment the following line to require a user to be in the "wheel" group.
#auth		required	pam_wheel.so use_uid
auth		substack	system-auth
auth		include		postlogin
account		sufficient	pam_succeed_if.so uid = 0 use_uid quiet
account		include		system-auth
password	include		system-auth
session		include		system-auth
session		include		postlogin
session		optional	pam_xauth.so
PAM
cat >"$pam/su-l" <<'PAM'
#%PAM-1.0
auth		include		su
account		include		su
password	include		su
session		optional	pam_keyinit.so force revoke
session		include		su
PAM
cat >"$pam/sudo" <<'PAM'
#%PAM-1.0
auth       include      system-auth
account    include      system-auth
password   include      system-auth
session    include      system-auth
PAM

# The machine itself.
echo elhost >"$root/etc/hostname"
printf '127.0.0.1 localhost elhost\n::1 localhost\n' >"$root/etc/hosts"
useradd --root "$root" --create-home --shell /bin/bash alice
useradd --root "$root" --create-home --shell /bin/bash bob
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer systemd-networkd-wait-online.service console-getty.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
