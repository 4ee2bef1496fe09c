// Package config holds the verbs that show and change settings:
//
//	settings show|get|explain|check    read; nothing secret is ever shown
//	settings set|unset                 change the file, then tell a running agent
//	configure                          the numbered menu, or --set from a script
//
// A secret never stands on a command line, where every user of the host would
// see it: it is asked for, comes from standard input or from a file.
package settings
