// Package inbox is how root takes things from a folder that the agent owns.
// The agent may be hostile or broken, so:
//
//   - a request is that a file exists; nobody reads it, and it is removed
//     before anything is done about it
//   - the folder is opened below one that is not the agent's, and must be its own
//   - a file is opened by a name that root made up, never by one it found;
//     neither links nor pipes are followed or waited for
//   - what is open must be a regular file with one name, of the agent, and of the
//     length that was signed; whatever is read comes from that descriptor
//
// Nothing is ever renamed out of the folder.
package inbox
