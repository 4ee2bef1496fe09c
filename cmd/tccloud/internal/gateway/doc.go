// Package gateway serves port 62000.
package gateway
