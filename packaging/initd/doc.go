// Package initd holds what starts the service where there is no systemd, as
// text, for `tcenvsvr service install`, and the SysV script also for the package.
//
//	sysv.sh      SysV, with the header that chkconfig reads
//	openrc.sh    OpenRC, which supervises by itself
//	launchd.plist  macOS
//
// They name the defaults of an installation in lines of their own (TCENVSVR_HOME=,
// USER=, program=); who installs elsewhere replaces those lines and nothing else.
package initd
