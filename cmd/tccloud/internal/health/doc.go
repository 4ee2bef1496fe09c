// Package health checks how the cloud is, every two seconds:
//
//	store         a write of this second is durable (store.Health)
//	disk          a file can be written and synced, there is room for new orders
//	clock         it did not jump, and agrees with NATS'
//	certificates  those that the cloud shows and signs with are valid now
//
// Each finding tells what is wrong and what to try. The worst one decides: while it is NoIntake no
// new order, App or package is accepted (orders on their way go on), while it is Failed nothing can
// be stored. A check that does not return counts as failed. Changes are logged, once.
package health
