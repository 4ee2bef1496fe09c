// Bench measures what README.md beside this promises, on this machine, with real processes:
//
//	go run ./test/bench latency      order → App process executed
//	go run ./test/bench throughput   orders to completion a second
//	go run ./test/bench load         8, 64 and 256 busy slots: throughput, growth, processor, syncs
//	go run ./test/bench jobs         Jobs due at one moment in many Environments
//	go run ./test/bench apps         order → first line of Apps as large as customers' are
//	go run ./test/bench agents       memory of the gateway for each idle agent
//	go run ./test/bench reconnect    how soon agents are back after a gateway restart
//	go run ./test/bench footprint    memory of the agent and of a running shim
//	go run ./test/bench soak         memory, files and disk of both sides over a month of orders
//	go run ./test/bench certs        trust stores of the host and 50 private CAs, beside keytool
//
// The soak keeps what both sides keep, which is a share of their disk: with --keep on a small one
// (2 GB) it shows that they do not take more.
//
// The story of its files: main.go runs a benchmark and prints its rows; place.go is where agents run,
// as children of ours or on a machine with systemd (machine_linux.go); scene.go has what all need of
// cloud and kernel. orders.go and load.go are about trivial Apps, starts.go about heavy ones.
//
// --keep DIR leaves all logs and programs for a look; --quick takes small numbers, to see that a
// benchmark works; --json is for machines. Budgets stand beside the figures; nothing fails when one
// is missed, because machines differ.
package main
