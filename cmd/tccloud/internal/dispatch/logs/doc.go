// Package logs keeps what Apps print, by offset: one subject per order, attempt and stream, one
// message per piece, its offset in a header.
//
//	stream LOGS   subject log.<order>.<attempt>.<stream>   header At: 8192
//
// A piece is stored only at the end of its stream. The part that is stored already is cut off, a
// piece that would leave a hole is refused with [ErrGap], and a writer that was overtaken (the
// server has a new session, perhaps at another gateway) is refused by the sequence number that each
// write expects. So a stream has neither holes nor overlaps, and the number of stored bytes is all
// that an agent needs to go on after a reconnect. The last message alone tells it, so that nothing
// has to be remembered.
//
// Logs are bounded by age and size, and are not fsynced piece by piece: a power cut may take the
// last second, which the agent sends again while the job lives.
package logs
