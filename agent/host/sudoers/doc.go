// Package sudoers has the rule that lets the agent's user run Apps as the sandbox user, and nothing
// else: its text ([Rule]), how it is written, and the proof that it works.
//
// One bad file in /etc/sudoers.d can cost everybody sudo. So the rule becomes active only after
// visudo has accepted it, and a file that visudo refuses is set aside under a name that sudo
// ignores. A valid file that an administrator has changed is kept.
package sudoers
