// Package roster is what a gateway knows of the sessions of all gateways. It is kept in memory, so that
// listing servers asks nobody.
//
//	which gateway has a server     the watch of the store (package presence), by server
//	what that session is like      what its gateway tells all others, by plain NATS messages
//
// A gateway tells a session when it opens, changes or ends, a tenth of a second later at most, and all of
// them when it starts and when it is asked to. Its messages are numbered, and every two seconds one says
// how many there were: a gateway that has missed some asks for all. What changes all the time (round trip,
// credits) is as of the last info that the agent sent.
//
// A server is
//
//	connected   its session is here, or the gateway that has claimed it told of it
//	away        nobody has claimed it, its gateway told that it ended, or it has been gone for a lease
//	unknown     its gateway is silent, has missed telling something, or does not say yet
//
// A gateway that is slow or cut off thus makes its servers unknown, and not away. This is for people, and
// for spreading agents; whether orders are given to another server is decided by presence alone.
//
// Of each session of another gateway about a kilobyte is kept.
package roster
