// Package quota divides the disk under the cloud's folders, so that what is kept never uses up the
// space that orders on their way still need.
//
//	│ what is kept (Share) … │ reserve: no new orders │ floor: no writes │
//
// [Room] tells which part is reached. [Admit] refuses a write that could meet the end of the disk:
// NATS that meets it switches JetStream off, and reading with it. [Fitter] lets logs and the like
// grow where there is space and shrinks them where there is less.
package quota
