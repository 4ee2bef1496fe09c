package env

// CheckOwner allows all: on Windows the folder's ACL decides who may write.
func CheckOwner(string) error { return nil }
