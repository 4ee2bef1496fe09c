// Package verb is what the verbs of tcenvsvr share: the world they may touch
// (Env), how a wrong command line is said, how an answer is printed, and the flags
// that are settings. The verbs themselves live in one package for each topic below,
// one file for each verb: a small constructor beside a working function, so that
// tests call the latter.
//
//	service   run it as a service           diagnose  what it does, what is wrong
//	identity  enrollment and keychain        trust     private CAs
//	config    settings and the menu         host      what the package sets up
//	app       Apps without a cloud          update    new versions
//	about     what this program is
package env
