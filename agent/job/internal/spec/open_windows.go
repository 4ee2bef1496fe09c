package spec

const nonblock = 0 // no FIFOs in the file system
