// Package limit slows down who tries too often: each key may try so many times at once, and then once
// in a while. It counts in memory, for one gateway: a cluster of n lets n times as many through.
package limit
