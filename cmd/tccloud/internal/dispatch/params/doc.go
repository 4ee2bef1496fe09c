// Package params keeps the parameters of orders, which are secret, until the orders have ended.
//
//	up to 16 KiB as JSON   in the execution's record, and in the order's frame
//	up to 128 KiB          as an object of their own, and in the order's frame
//	up to 16 MiB           as an object of their own; the agent fetches them by HTTPS
//
// An object is stored before the record that names it, so a record never lacks its object.
// [Store.Sweep] removes objects whose order has ended, and those whose record was never written.
package params
