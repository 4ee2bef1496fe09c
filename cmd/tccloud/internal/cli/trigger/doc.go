// Package trigger is "tccloud trigger": what the services of triggers and webhooks watch for.
package trigger
