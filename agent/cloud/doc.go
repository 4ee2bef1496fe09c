// Package cloud is the agent's client of the Dedicated Cloud's HTTPS API, which carries what is too
// large for port 62000. The package documentation of agent/link/wire specifies the requests.
//
//   - Download: Apps, from any offset.
//   - Params: parameters that do not fit into a frame.
//   - Upload: published files, resumed where the cloud says, verified by SHA-256.
//
// Each method retries temporary failures (connection, 429, 5xx) until its context ends or the
// answer is final. A request in which no byte moves for 90 seconds counts as a temporary failure.
// The token is sent to the API only: downloads follow a redirect to another host without it,
// uploads do not follow one.
package cloud
