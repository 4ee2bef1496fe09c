// Package packages keeps the installation packages of the Environment Server that an administrator
// added, for bundles and downloads.
//
//	Add(file) ─► Inspect: what is it? ─► content by digest (package blob) ─► an entry under its file name
//	Find(rpm, amd64, newest) ─► Open ─► the same bytes
//
// The content of a package (rpm, deb), or its name and its program (tar.gz, zip), tell what it is,
// and must agree. A package is never changed, so its signature stays valid.
package packages
