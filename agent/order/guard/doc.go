// Package guard keeps from this host what its owner did not allow, whatever the cloud says: it asks
// the customer's policy (agent/app/policy), finds out who signed an App (agent/app/signature) and
// who signed an order (agent/link/signed), and opens sealed parameters (agent/secret/envelope).
//
//	order ─► Arrived ─────────► Fetched ──────────► Installed ────────► Start ─────► the App runs
//	         section "orders",  only where the      the package's own   not started  parameters
//	         order's signature, App is not here:    name and version,   before, then opened
//	         rules that need    nothing is fetched  its publisher       everything
//	         no publisher       that is denied                          once more
//
// Each step asks the policy as it is then, so that a rule that was added while an order waited
// counts. An order that does not pass is a [Refusal]: it ends as rejected, with a code and the
// rule's name.
//
// What the cloud says of an App decides only what is not worth fetching. Before the App starts,
// name and version are those in the package, and the runtime level is one that the package has.
//
// Who signed a package is asked of the cloud once, where a rule wants to know. The signature is
// kept beside the installation with the package's digest ([app.Origin]), so that other keys in the
// policy are tried without the package.
//
// The App of a service runs on for months after that. [Guard.Running] asks the rules about it again and again;
// what they deny is ended.
//
// A nil Guard lets everything pass, a nil Pass too.
package guard
