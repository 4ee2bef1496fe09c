package setup

// What the tests need that exchange a file between look and deed; they are of another package,
// because the copy of the host is set up by a package that imports this one.
var (
	Programs   look = programs
	StateFiles look = stateFiles
)
