//go:build !windows

package svc

// standalone: signals come from the terminal or the manager alike.
func standalone() bool { return false }

func ended(*program) {} // RunWait returns
