// Package service is "tccloud service": service Apps, which run until they are stopped.
package service
