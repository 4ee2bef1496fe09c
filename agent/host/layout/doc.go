// Package layout is the one place of the facts that the package, the service manager, the host's
// setup and the updater must agree about: names of the product and its users, where the package
// puts what, and whom its folders belong to, with which mode. It does nothing.
//
// What is below the agent's own folder in detail, and on other systems, is in package paths.
// Scriptlets, units and other texts of the package repeat some of these facts; tests in package
// packaging compare them.
package layout
