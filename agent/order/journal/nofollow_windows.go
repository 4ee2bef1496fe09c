package journal

// noFollow: making links takes a privilege on Windows.
const noFollow = 0
