// Package support writes the archive that an administrator sends to whoever helps:
//
//	version.json   doctor.txt, doctor.json   status.json   settings.json
//	logs/          the agent's log, the journal's, the audit log
//	state.txt      names, sizes, modes and owners of files; nothing of what is in them
//
// It has no secret in it. Settings come without theirs; whatever else goes in passes
// a Redactor, which knows the secrets of this server in the forms in which they
// travel, and strikes out what follows the words that announce one. What Apps were told
// or said is left out as a whole: journal, job folders, keystore.
package support
