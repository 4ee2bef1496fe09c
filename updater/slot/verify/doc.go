// Package verify is the verifier of the root side of self-update: what the
// agent put into its inbox is metadata of the update repository like any
// other, and is verified again from the package's root of trust, with a
// cache and a floor of versions that only root can write. What the agent
// verified before counts for nothing.
package verify
