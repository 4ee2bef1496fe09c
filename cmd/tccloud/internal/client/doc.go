// Package client talks to the admin API of a cloud (api/v1).
//
// Where the cloud is and what opens it comes from, first one wins:
//
//	flags        --url  --token-file  --ca
//	environment  TCCLOUD_URL  TCCLOUD_TOKEN or TCCLOUD_TOKEN_FILE  TCCLOUD_CA
//	--data DIR   DIR/endpoint.json, DIR/admin.token: a cloud on the same host
//
// There is no flag for the token itself, which ps would show, and none
// that turns the verification of the server's certificate off.
package client
