// Package retention removes from JetStream what is too old or too much.
//
//	Trim     the oldest values of a bucket, by age or by the bytes of all
//	Expire   the oldest messages of a stream, by age
//
// NATS removes nothing for its age by itself: it goes by the host's clock, which may be ten years
// ahead for a moment. A [Pruner] does it only while the clock may be trusted. A bound by bytes
// holds always.
package retention
