// Command tcrelease is the maintainers' tool: it builds the programs, makes and signs the packages,
// and keeps the dnf repository. Hosts never need it.
//
//	tcrelease key new -o release.key            once; keep it offline
//	tcrelease package --key release.key         dist/: rpm, deb, tar.gz, zip, SBOMs, SHA256SUMS
//	tcrelease repo --key release.key --url URL DIR
//	tcrelease sign --key release.key FILE       FILE.asc
//	tcrelease verify --key RPM-GPG-KEY-… DIR    what a suspicious user would check
//	tcrelease update-repo …                     the signed repository of self-update
//
// The passphrase of a key comes from the file named by --passphrase-file or from
// TCRELEASE_PASSPHRASE, never from the command line, which ps shows. The same commit, key and Go
// version give the same bytes.
package main
