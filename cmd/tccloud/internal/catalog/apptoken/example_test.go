package apptoken_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
)

func ExampleSigner() {
	dir, err := os.MkdirTemp("", "key")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	signer, err := apptoken.Open(filepath.Join(dir, "apptoken.key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	token := signer.Issue("order-1", 2, time.Hour)
	claims, err := signer.Check(token)
	fmt.Println(claims.Order, claims.Attempt, err)
	_, err = signer.Check(token + "x")
	fmt.Println(err)
	// Output:
	// order-1 2 <nil>
	// the App's token is not valid
}
