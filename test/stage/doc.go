// Package stage sets up a Dedicated Cloud and Environment Servers as real processes in a throw-away
// folder, for the demo, the benchmarks and the end-to-end tests. It knows the programs by their
// command lines only, as their users do.
//
//	FOLDER/
//	  bin/            tccloud, tcenvsvr
//	  cloud/          data of tccloud serve
//	  NAME/           home of the agent NAME
//	  NAME-masterkey  its master password
//	  *.log           what each process printed
package stage
