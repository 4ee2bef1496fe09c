// Package demo is the project in one command: a cloud and Environment
// Servers, all real processes in a throw-away folder, run a Python and a Java
// App over both transports and say what happened. It needs no root.
//
//	tccloud demo ─► tccloud serve ◄── raw ─────── tcenvsvr run ─► shim ─► Python, Java
//	                              ◄── websocket ─ tcenvsvr run ─► shim ─► Python, Java
package demo
