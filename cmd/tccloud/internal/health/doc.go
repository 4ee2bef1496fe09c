// Package health says how the cloud is, as facts that were looked at a
// moment ago:
//
//	store         a write of this second is durable (store.Health)
//	disk          a file can be written and synced, there is room for new orders
//	clock         it did not jump, and agrees with NATS'
//	certificates  those that the cloud shows and signs with are valid now
//
// Each says what is wrong and what to try, for who reads it at three in the
// morning. The worst one decides: while it is NoIntake no new order, App or package is
// taken (those on their way go on), while it is Failed nothing can be stored. A look that does
// not come back counts as failed. Changes are logged.
package health
