// Package settings is the one place where a setting is named. All is the
// table; flags, environment names, keys of the file, defaults, help, the
// table in README.md and the menu are loops over it, and a test ties it to the
// struct Settings field by field.
//
//	defaults ─► file settings.yaml ─► environment TCENVSVR_<NAME> ─► flags
//	   (each layer wins over those to its left; Origins tells which won)
//
// Load refuses what it does not understand: an unknown key in the file, a
// value outside its range, a text that YAML would read as a number. Every
// problem is reported, not only the first, and each error names the key, the
// value, where it stands and what is wanted. Unknown TCENVSVR_ variables are
// ignored, because the environment is shared with others.
//
// An empty value in the file or the environment says nothing: the layer below
// counts. An empty flag ("--proxyHost=") is meant: the default counts, whatever
// the other layers say; of most texts that is nothing.
//
// Load looks at each value alone. What must fit together is told by Check
// (relations between settings) and Enrolled (is there a cloud to talk to),
// so that the command line can show and mend settings that do not work yet;
// Change asks a judge before it writes such settings.
//
// Keys may be written in any case; Set writes them as the table has them.
// Values that are secrets have the type Secret, which prints as [redacted]
// whatever is done to it; only Reveal gives it away.
package settings
