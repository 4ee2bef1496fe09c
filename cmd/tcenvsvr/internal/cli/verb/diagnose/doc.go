// Package diagnose holds the verbs that tell what the Environment Server does and what
// is wrong with it.
//
// They ask the running agent through its control socket where they can, and look themselves where there is none.
package diagnose
