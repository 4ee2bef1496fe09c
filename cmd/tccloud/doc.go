// Tccloud is a self-hosted Dedicated Cloud: what Environment Servers connect to in the demo, in the
// tests, and for anyone who has no other.
//
//	tccloud serve --data DIR          the cloud: broker (62000), HTTPS API, store
//	tccloud env | server | bundle     who may connect
//	tccloud app | variable            what they run
//	tccloud run | execution           orders and what came of them
//
// "tccloud help" explains each verb, "tccloud help exit-codes" what the program ends with.
package main
