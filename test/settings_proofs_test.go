package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/settings"
)

// proofs name for each setting the tests that change it and see the effect: the folder below the
// module, and the function. Of a setting that several parts follow there is one for each.
var proofs = map[string][]string{
	"apiURL":                        {parts + "TestSettingsReachApps"},
	"appDeliveryToken":              {"agent/cloud.TestTokenStaysSecret"},
	"appsJavaHome":                  {parts + "TestSettingsChooseInterpreters", "agent/app/launch.TestJava"},
	"appsNumberofJobExecutors":      {daemon + "TestReloadsByCloudAndSignal", "test.TestSettingsOfARunningAgent", "agent.TestAdjust"},
	"appsNumberofServices":          {daemon + "TestReloadsByCloudAndSignal", daemon + "TestSettingsLimitTheAgent", "agent.TestService"},
	"appsPythonHome":                {parts + "TestSettingsChooseInterpreters"},
	"appsPythonHome311":             {parts + "TestSettingsChooseInterpreters", "test.TestNetworkSecretsStaySecret"},
	"appsSandboxUser":               {parts + "TestSettingsChooseTheSandbox", "test.TestSandboxUser"},
	"appsSessionDaystoKeep":         {daemon + "TestSettingsLimitTheAgent", "agent.TestUpkeep"},
	"appsSessionsDiskPercent":       {daemon + "TestSettingsBoundFinishedJobs", "agent/job/janitor.TestRoomIsBounded"},
	"brokerHost":                    {daemon + "TestSettingsChooseTheDialer", "agent/settings.TestDerived"},
	"brokerToken":                   {daemon + "TestReloadsByCloudAndSignal"},
	"environment":                   {daemon + "TestSettingsAreShown"},
	"keystorePassword":              {daemon + "TestSettingsOpenTheKeystore"},
	"proxyExternal":                 {parts + "TestSettingsReachApps"},
	"proxyHost":                     {"test.TestSettingsOfARunningAgent", "test.TestNetworkEveryWayToTheCloud", daemon + "TestSettingsChooseTheDialer"},
	"proxyPassword":                 {"test.TestSettingsOfARunningAgent", parts + "TestSettingsReachApps"},
	"proxyPort":                     {"test.TestSettingsOfARunningAgent", "test.TestNetworkEveryWayToTheCloud"},
	"proxyTC":                       {"test.TestSettingsOfARunningAgent", daemon + "TestSettingsChooseTheDialer"},
	"proxyUsername":                 {"test.TestSettingsOfARunningAgent", "test.TestNetworkEveryWayToTheCloud"},
	"queueTransport":                {"test.TestSettingsOfARunningAgent", "test.TestNetworkEveryWayToTheCloud"},
	"relaySystemInfoPublishSeconds": {daemon + "TestSettingsLimitTheAgent", "agent.TestInfoFollowsItsInterval"},
	"serverName":                    {"test.TestSettingsOfARunningAgent", daemon + "TestReloadsByCloudAndSignal"},
	"serverXid":                     {daemon + "TestReloadsByCloudAndSignal"},

	"appsCpuWeight":             {parts + "TestSettingsLimitApps", "agent/job/internal/cgroup.TestSet"},
	"appsDefaultTimeoutSeconds": {script + "app_run.txtar"},
	"appsJobOutputMaxBytes":     {parts + "TestSettingsReachApps", "agent/job/internal/capture.TestStreamKeepsDraining"},
	"appsIsolation":             {"test.TestSandboxUser", "test/host.TestStrangers"},
	"appsJavaArchives":          {"test.TestClassArchive"},
	"appsMemoryMegabytes":       {parts + "TestSettingsLimitApps", "agent/job.TestOutOfMemory", "test/host.TestLimitsHold"},
	"appsRunner":                {parts + "TestSettingsChooseTheSandbox"},
	"appsTasksMax":              {parts + "TestSettingsLimitApps", "agent/job.TestTooManyTasks", "test.TestLimitsFollowSettings"},
	"appsWarmMegabytes":         {parts + "TestSettingsLimitTemplates", "test.TestWarmApp"},
	"brokerPort":                {daemon + "TestSettingsChooseTheDialer"},
	"drainSeconds":              {"test.TestSettingsOfARunningAgent"},
	"logLevel":                  {daemon + "TestSettingsAreShown", "agent/logging.TestLevelChangesWhileRunning"},
	"masterKeyFile":             {"test.TestWhatRootDoesIsTheAgents", "agent/secret/masterkey.TestUnlockGoesThroughTheSources"},
	"metricsFile":               {"test.TestSettingsOfARunningAgent", daemon + "TestMetricsFile"},
	"updateMode":                {daemon + "TestSettingsRuleUpdates", "updater.TestWhatKeepsAReleaseAway"},
	"updateRateKilobytes":       {daemon + "TestSettingsRuleUpdates", "updater/download.TestTheRateIsKept"},
	"updateWindow":              {daemon + "TestSettingsRuleUpdates", "updater.TestWindows"},
}

const (
	daemon = "cmd/tcenvsvr/internal/daemon."
	parts  = "cmd/tcenvsvr/internal/parts."
	script = "cmd/tcenvsvr/testdata/script/"
)

// A setting without a proof, and a proof that does not exist, fail the build.
func TestEverySettingIsProved(t *testing.T) {
	for _, s := range settings.All {
		if len(proofs[s.Name]) == 0 {
			t.Errorf("setting %q has no proof: write a test that changes it and sees the effect, and name it here", s.Name)
		}
	}
	known := map[string]map[string]bool{} // folder → test functions
	for name, tests := range proofs {
		if _, ok := settings.Lookup(name); !ok {
			t.Errorf("there is no setting %q", name)
		}
		for _, proof := range tests {
			if strings.HasPrefix(proof, script) {
				text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(proof)))
				if err != nil || !strings.Contains(strings.ToLower(string(text)), strings.ToLower(name)) {
					t.Errorf("the proof of %q: script %s does not set it (%v)", name, proof, err)
				}
				continue
			}
			i := strings.LastIndexByte(proof, '.')
			folder, function := proof[:i], proof[i+1:]
			if known[folder] == nil {
				known[folder] = testsIn(t, filepath.Join("..", filepath.FromSlash(folder)))
			}
			if !known[folder][function] {
				t.Errorf("the proof of %q: there is no test %s in %s", name, function, folder)
			}
		}
	}
}

// testsIn are the names of a folder's tests.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				found[f.Name.Name] = true
			}
		}
	}
	return found
}
