// Package queue is the work queue of each Environment: a stream with work queue retention whose
// messages carry an order's id and attempt, nothing else.
//
//	stream ORDERS_<env>   subject orders.<env>.<priority>.<id>
//	consumer p<priority>  durable, pull, shared by all gateways
//
// Streams and consumers are created by the first order that needs them: an idle Environment costs
// nothing, and an agent never has a consumer.
//
// A message is only a hint: the execution's record decides whether the order is still to be
// delivered. So a message may come twice or late, and writes need no fsync; a lost one is noticed
// by Has and put again.
package queue
