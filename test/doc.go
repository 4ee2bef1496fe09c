// Package test proves the project from outside: it builds the programs once (with the race
// detector), runs them as real processes in throw-away folders and looks at what they print, answer
// and leave behind.
//
//	arch_test.go      which package may import which, and why
//	docs_test.go      the documents are true: tables, links, commands (UPDATE=1 rewrites the tables)
//	main_test.go      builds the programs when the first test wants them
//	scene_test.go     a scene for one test, on top of stage; scene_orders_test.go and
//	                  scene_agent_test.go are what many tests do with orders and agents
//	…_test.go         the promises, one file a subject
//
//	stage/            a cloud and agents as processes; demo and benchmarks use it too
//	readme/           reads documents, and says how the commands of README.md are run
//	sentences/        whether a test causes each sentence that users can meet
//	need/             what a test needs of the machine; skips with a reason, fails in CI
//	disk/             a small file system that a test may break
//	clock/            a clock that a test may set, for the programs under test alone
//	scripts/          what the test scripts of the programs may say besides testscript's words
//	apps/             sources of the Apps the tests run
//	host/             a machine to install the packages on, booted with systemd
//	bench/            measures the budgets
//	run               the whole: formatting, vet, linters, tests
package test
