// Package schedule says when a Job is due.
//
//	""                      never: on demand
//	30 2 * * 1-5            cron: minute, hour, day of month, month, day of week
//	@hourly, @daily, …      the same, by name
//	every 15m               at the multiples of 15 minutes since 1970
//	once 2026-12-24T18:00   one time
//
// Cron and once go by the clock of a time zone. What is due at a time of day happens once a day,
// also when the clocks change: a time that is left out in spring is due when the clocks go on, and
// of one that comes twice in autumn the first counts. What is due every hour goes on every hour.
package schedule
