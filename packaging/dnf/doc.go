// Package dnf makes and checks a signed repository for dnf and yum.
//
//	DIR/*.rpm                              the packages, of all versions and architectures
//	DIR/repodata/<sha256>-primary.xml.gz   what dnf resolves: names, versions, relations
//	DIR/repodata/<sha256>-filelists.xml.gz, -other.xml.gz
//	DIR/repodata/repomd.xml                digests of the three; the one file that changes in place
//	DIR/repodata/repomd.xml.asc            its signature (repo_gpgcheck=1)
//	DIR/RPM-GPG-KEY-threatconnect-envsvr   the key that hosts import
//	DIR/threatconnect-envsvr.repo          for /etc/yum.repos.d
//
// The names of the three contain their digest, so that a client that has read repomd.xml finds the
// files that it lists while the next version is written. Times are the packages' own: the same
// packages give the same bytes.
//
// A test compares the result with that of createrepo_c.
package dnf
