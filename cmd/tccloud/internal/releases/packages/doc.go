// Package packages keeps the installation packages of the Environment Server
// that an administrator has added, for bundles and downloads.
//
//	Add(file) ─► Inspect: what is it? ─► content by digest (package blob) ─► an entry under its file name
//	Find(rpm, amd64, newest) ─► Open ─► the same bytes
//
// What a package is stands in itself (rpm, deb) or in its name and its program (tar.gz, zip), and
// both have to agree. Nothing in it is changed, so whoever signed it vouches for what comes out.
package packages
