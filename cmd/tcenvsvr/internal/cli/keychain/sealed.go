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

// sealKeyLost is what the loss of the keychain means for sealed parameters.
const sealKeyLost = "give those who seal parameters to this server the fingerprint of its new sealing key (\"tcenvsvr keychain status\"): what was sealed to the old one is refused with order.sealed"

// sealKeyName names the sealing key among what the keychain seals. No setting has this name.
const sealKeyName = "sealing key"

// ifLost returns what has to be done again if these secrets are lost.
func ifLost(sealed []string) string {
	var todo []string
	for _, name := range sealed {
		again := "enroll with a fresh bundle (\"tccloud bundle ENV --server XID\" makes one, \"tcenvsvr enroll FILE\" takes it)"
		switch name {
		case "proxyPassword":
			again = "\"tcenvsvr settings set proxyPassword\""
		case sealKeyName:
			again = sealKeyLost
		}
		if !slices.Contains(todo, again) {
			todo = append(todo, again)
		}
	}
	return strings.Join(todo, "; ")
}
