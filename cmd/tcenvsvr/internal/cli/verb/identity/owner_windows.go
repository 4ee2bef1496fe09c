package identity

// ours holds always: who may write there is a matter of the folder's ACL.
func ours(string) error { return nil }
