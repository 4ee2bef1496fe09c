// Package setup is "tcenvsvr setup": it finds or installs the Python and Java that Apps run with,
// proves that they run, and writes them into the settings. python.go and java.go are the commands,
// setup.go is what they share, and trusted.go refuses files that another user could replace while
// root works with them.
package setup
