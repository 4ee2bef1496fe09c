// Package queue is the work queue of each Environment: a stream with work
// queue retention whose messages carry an order's id and attempt, nothing else.
//
//	stream ORDERS_<env>   subject orders.<env>.<priority>.<id>
//	consumer p<priority>  durable, pull, shared by all gateways
//
// Streams and consumers come into being with the first order that needs
// them: an idle Environment costs nothing, an agent never has a consumer.
//
// A message is a hint, not a truth: the execution's record decides
// whether the order is still to be delivered. So a message may be there
// twice or late, and writes need no fsync; one that is lost is noticed by Has
// and put again.
package queue
