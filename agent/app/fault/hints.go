package fault

// Hints say what each code means and what to try; help shows them.
var Hints = map[string]string{
	BadZip:        "the package is no ZIP file, or it is damaged or encrypted: build it again",
	TopFolders:    "the package has not exactly one top folder: build it with the App framework's own tool",
	NoInstallJSON: "the package's top folder has no install.json",
	BadManifest:   "install.json is not what an install.json is; the message says where",
	UnsafePath:    "a name in the package is absolute, has .. or a backslash, or is too long: rename that file",
	Link:          "the package contains a link, a device or a pipe: put files in their place",
	Duplicate:     "two entries of the package have one name",
	Bomb:          "an entry of the package expands out of all proportion",
	TooLarge:      "the package has more bytes or files than allowed: leave out what the App does not need",

	Download:       "the cloud's API did not give the package: \"tcenvsvr doctor\" looks at the connection",
	Truncated:      "the download ended too early, again and again: a proxy or a firewall may cut it",
	SizeMismatch:   "the package is longer than the order says: add the App to the cloud anew",
	SHA256Mismatch: "the package is not the file that the order names: something on the way changes it",

	NoSpace:  "the disk with exchange/programs is full",
	Store:    "exchange/programs cannot be written: \"tcenvsvr doctor\" says why",
	NoPython: "there is no Python where the settings say, or none at all: \"tcenvsvr setup python\", or set appsPythonHome311",
	NoJava:   "there is no Java where the settings say, or none at all: \"tcenvsvr setup java\", or set appsJavaHome",
	NoTrust:  "the trust stores cannot be made, or the sandbox user cannot read them: \"tcenvsvr host check\"",

	Unsupported: "the App's language or runtime level is none that Environment Servers run",
	BadParam:    "a parameter cannot be handed to the App; the message names it",
}
