package gateway

// What tests of numbers need.
var (
	Window  = window
	Surplus = surplus
)
