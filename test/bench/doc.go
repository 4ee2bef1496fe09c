// Bench measures what README.md beside this promises, on this machine, with real processes:
//
//	go run ./test/bench latency      order → App process executed
//	go run ./test/bench throughput   orders to completion a second
//	go run ./test/bench agents       memory of the gateway for each idle agent
//	go run ./test/bench reconnect    how soon agents are back after a gateway restart
//	go run ./test/bench footprint    memory of the agent and of a running shim
//	go run ./test/bench soak         memory, files and disk of both sides over a month of orders
//	go run ./test/bench certs        trust stores of the host and 50 private CAs, beside keytool
//
// The soak keeps what both sides keep, which is a share of their disk: with --keep on a small one
// (2 GB) it shows that they do not take more.
//
// --keep DIR leaves all logs and programs for a look; --quick takes small numbers, to see that a
// benchmark works; --json is for machines. Budgets stand beside the figures; nothing fails when one
// is missed, because machines differ.
package main
