package keychain

import (
	"slices"
	"strings"

	"tcenvsvr/agent/settings"
)

// SealedSettings returns the names of the secrets that only the keychain can open.
func SealedSettings(s settings.Settings) (names []string) {
	for _, row := range settings.All {
		if row.Secret && s.IsSealed(row.Name) {
			names = append(names, row.Name)
		}
	}
	return names
}

// ifLost returns what has to be done again if these secrets are lost.
func ifLost(sealed []string) string {
	var todo []string
	for _, name := range sealed {
		again := "enroll with a fresh bundle (\"tccloud bundle ENV --server XID\" makes one, \"tcenvsvr enroll FILE\" takes it)"
		if name == "proxyPassword" {
			again = "\"tcenvsvr settings set proxyPassword\""
		}
		if !slices.Contains(todo, again) {
			todo = append(todo, again)
		}
	}
	return strings.Join(todo, "; ")
}
