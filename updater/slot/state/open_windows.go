package state

const noFollow = 0 // the folder is the administrators' own
