// Package policy is "tcenvsvr policy": what the customer allows on this host, and what that means for an App
// or an order. The commands read the policy's file themselves (package tcenvsvr/agent/app/policy) and need no
// running agent; with --policy they read a draft, wherever it lies.
package policy
