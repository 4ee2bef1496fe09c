// Package demo shows the project in one command: a cloud and Environment Servers, all real
// processes in a throw-away folder, run a Python and a Java App over both transports, and one
// updates itself while a job runs. It prints what happened, and needs no root. What
// stays up can be looked at in the console, by a link that signs in once.
//
//	tccloud demo ─► tccloud serve ◄── raw ─────── tcenvsvr run ─► shim ─► Python, Java
//	                              ◄── websocket ─ tcenvsvr run ─► shim ─► Python, Java
//	                              ─── release ──► tcenvsvr launch: 1.0.0 ─► 1.1.0, shim ─► Python goes on
package demo
