// Package server is the command "tccloud server", which manages Environment Servers: a file for
// each of its words.
package server
