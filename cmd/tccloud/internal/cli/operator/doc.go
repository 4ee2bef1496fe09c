// Package operator is what the commands of tccloud have in common that call the admin API: where
// the cloud is and how to get in, the program's exit codes and hints, and how values are shown.
package operator
