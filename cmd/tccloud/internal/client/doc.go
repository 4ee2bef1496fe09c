// Package client talks to the admin API of a cloud (api/v1).
//
// Where the cloud is and the token come from the first of these that has them:
//
//	flags        --url  --token-file  --ca
//	environment  TCCLOUD_URL  TCCLOUD_TOKEN or TCCLOUD_TOKEN_FILE  TCCLOUD_CA
//	--data DIR   DIR/endpoint.json, DIR/admin.token: a cloud on the same host
//
// There is no flag for the token itself, because ps would show it, and none that turns the
// verification of the server's certificate off.
package client
