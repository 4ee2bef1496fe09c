// Package installation knows where the programs of this installation lie, and opens the root side
// of self-update ([slot.Slots]) on them. "launch", "slot" and "update" share it.
package installation
