// Package support writes the archive that an administrator sends to the people who help ("tcenvsvr
// support-bundle"):
//
//	version.json   doctor.txt, doctor.json   status.json   settings.json
//	logs/          the agent's log, the journal's, the audit log
//	state.txt      names, sizes, modes and owners of files, and nothing of their content
//
// It contains no secret. Settings are written without theirs. Everything else passes a [Redactor],
// which knows the secrets of this server in the forms in which they travel, and redacts what
// follows words that announce a secret. Input and output of Apps are left out as a whole: journal,
// job folders, keystore.
package support
