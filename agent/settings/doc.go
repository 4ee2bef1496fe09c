// Package settings is the one place where a setting is named. [All] is the table; flags,
// environment names, keys of the file, defaults, help, reference tables and the menu are loops over
// it, and a test ties it to the struct [Settings] field by field.
//
//	defaults ─► file settings.yaml ─► environment TCENVSVR_<NAME> ─► flags
//	   (each layer wins over those to its left; Origins tells which won)
//
// Load refuses what it does not understand: an unknown key in the file, a value outside its range,
// a text that YAML would read as a number. Every problem is reported, not only the first, and each
// error names the key, the value, where it stands and what is wanted. Unknown TCENVSVR_ variables
// are ignored, because the environment is shared with others.
//
// An empty value in the file or the environment sets nothing: the layer below applies. An empty
// flag ("--proxyHost=") sets the default, whatever the other layers have; the default of most texts
// is empty.
//
// [Load] checks each value by itself. [Settings.Check] checks relations between settings, and
// [Settings.Enrolled] whether there is a cloud to talk to, so that the command line can show and
// mend settings that do not work yet. [Change] asks a [Veto] before it writes such settings.
//
// Keys may be written in any case; [Set] writes them as the table has them. Secret values have the
// type [Secret], which always prints as [redacted]; only [Secret.Reveal] returns the text.
package settings
