// Package cloud is the agent's client of the Dedicated Cloud's HTTPS API:
// what is too large for port 62000. The requests are specified in
// agent/link/wire's package documentation.
//
//   - Download: Apps, from any offset.
//   - Params: parameters that do not fit into a frame.
//   - Upload: published files, resumed where the cloud says, verified by SHA-256.
//
// Temporary failures (connection, 429, 5xx) are retried by the caller's
// patience: each method tries until its context ends or the answer is final. A
// request in which no byte moves for 90 seconds is such a failure. The token is shown
// to the API alone; where a redirect leads elsewhere only what is fetched follows it.
package cloud
