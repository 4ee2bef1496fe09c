package parts

// apart has nothing to look at: there is no sandbox user.
func apart(string, string) error { return nil }
