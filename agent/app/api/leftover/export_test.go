package leftover

// DrainUpTo is Drain with a bound that a test reaches.
var DrainUpTo = drain
