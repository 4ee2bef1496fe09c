package bucket

// What tests of sizes and of busy servers need.
const ChunkSize = chunkSize

var Busy = busy
