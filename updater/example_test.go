package updater_test

import (
	"fmt"
	"time"

	"tcenvsvr/updater"
)

func ExampleParseWindow() {
	w, err := updater.ParseWindow("sat,sun 22:00-04:00")
	if err != nil {
		fmt.Println(err)
		return
	}
	friday := time.Date(2026, 11, 27, 22, 0, 0, 0, time.Local)
	fmt.Println(w.Open(friday))
	fmt.Println(w.Open(friday.AddDate(0, 0, 1).Add(time.Hour)))
	// Output:
	// false 24h0m0s
	// true 0s
}
