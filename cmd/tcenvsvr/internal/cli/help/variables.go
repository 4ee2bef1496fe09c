package help

import (
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
)

// variables lists the environment variables that count. The topic is not called "environment",
// because an Environment is something else here.
func variables() Topic {
	example, _ := settings.Lookup("logLevel")
	ours := Section{Title: "Variables that the program reads:", Term: "variable", Text: "meaning", Column: 22, Rows: []Row{
		{"TCENVSVR_HOME", "the folder of the installation, as --home"},
		{"TCENVSVR_SETTING", "a setting, by its name in capitals, for example " + example.Env() + "; it counts more than settings.yaml and less than a flag. An empty value says nothing"},
		{paths.PolicyVariable, "another policy than " + paths.HostPolicy + ", for trials; the service reads it from its own environment, which is root's"},
		{"CREDENTIALS_DIRECTORY", "set by systemd; the file masterkey in it is the keychain's master password"},
		{"HTTPS_PROXY, HTTP_PROXY", "\"tcenvsvr configure\" proposes this proxy; without proxyHost none is used"},
		{"JAVA_HOME", "\"tcenvsvr configure\" proposes this Java; Apps use the one that appsJavaHome names"},
		{"SOURCE_DATE_EPOCH", "the date in the pages of \"tcenvsvr man\""},
	}}
	units := Section{Title: "Variables of the package's units (\"systemctl edit UNIT\"):", Term: "variable", Text: "meaning", Column: 22, Rows: []Row{
		{"PROBATION", "of threatconnect-envsvr-bless.service: how long a release on trial may take to prove itself, by default 30m"},
	}}
	return Topic{
		Name: "variables", Short: "environment variables that count",
		Intro:    "The service reads its environment from /etc/threatconnect-envsvr/environment. Apps get an environment of their own.",
		Sections: []Section{ours, units},
	}
}
