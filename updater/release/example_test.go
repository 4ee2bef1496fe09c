package release_test

import (
	"fmt"
	"strings"

	"tcenvsvr/updater/release"
)

func ExampleRelease_Name() {
	r := release.Release{Version: "1.4.2", OS: "linux", Arch: "amd64", Size: 1 << 20, SHA256: strings.Repeat("ab", 32)}
	fmt.Println(r.Name())
	fmt.Println(r.Check())
	// Output:
	// tcenvsvr/linux/amd64/1.4.2/tcenvsvr
	// <nil>
}

func ExampleCompare() {
	fmt.Println(release.Compare("1.10.0", "1.9.3"))
	fmt.Println(release.Compare("1.4.2-rc.1", "1.4.2"))
	// Output:
	// 1
	// -1
}
