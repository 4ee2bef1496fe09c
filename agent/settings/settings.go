package settings

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Settings are the typed values. Fields have the order and the names of [All]; a test compares the
// two.
type Settings struct {
	APIURL            string        `koanf:"apiURL"`
	AppDeliveryToken  Secret        `koanf:"appDeliveryToken"`
	JavaHome          string        `koanf:"appsJavaHome"`
	JobExecutors      int           `koanf:"appsNumberofJobExecutors"`
	PythonHome        string        `koanf:"appsPythonHome"`
	PythonHome311     string        `koanf:"appsPythonHome311"`
	SandboxUser       string        `koanf:"appsSandboxUser"`
	SessionDaysToKeep int           `koanf:"appsSessionDaystoKeep"`
	BrokerHost        string        `koanf:"brokerHost"`
	BrokerToken       Secret        `koanf:"brokerToken"`
	Environment       string        `koanf:"environment"`
	KeystorePassword  Secret        `koanf:"keystorePassword"`
	ProxyExternal     bool          `koanf:"proxyExternal"`
	ProxyHost         string        `koanf:"proxyHost"`
	ProxyPassword     Secret        `koanf:"proxyPassword"`
	ProxyPort         int           `koanf:"proxyPort"` // 0 = not set
	ProxyTC           bool          `koanf:"proxyTC"`
	ProxyUsername     string        `koanf:"proxyUsername"`
	QueueTransport    string        `koanf:"queueTransport"`
	InfoInterval      time.Duration `koanf:"relaySystemInfoPublishSeconds"`
	ServerName        string        `koanf:"serverName"`
	ServerXID         string        `koanf:"serverXid"`

	CPUWeight      int           `koanf:"appsCpuWeight"`
	DefaultTimeout time.Duration `koanf:"appsDefaultTimeoutSeconds"`
	Services       int           `koanf:"appsNumberofServices"`
	AppsIsolation  string        `koanf:"appsIsolation"`
	JavaArchives   string        `koanf:"appsJavaArchives"`
	OutputMaxBytes int           `koanf:"appsJobOutputMaxBytes"`
	AppsMemory     int           `koanf:"appsMemoryMegabytes"` // 0 = no limit of one App
	AppsRunner     string        `koanf:"appsRunner"`          // as written; Runner resolves auto
	SessionsShare  int           `koanf:"appsSessionsDiskPercent"`
	TasksMax       int           `koanf:"appsTasksMax"`      // 0 = no limit of one App
	AppsWarm       string        `koanf:"appsWarmMegabytes"` // as written; WarmMegabytes resolves auto
	BrokerPort     int           `koanf:"brokerPort"`
	Drain          time.Duration `koanf:"drainSeconds"`
	LogLevel       string        `koanf:"logLevel"` // a name that slog.Level.UnmarshalText knows
	MasterKeyFile  string        `koanf:"masterKeyFile"`
	MetricsFile    string        `koanf:"metricsFile"`
	UpdateMode     string        `koanf:"updateMode"`
	UpdateRate     int           `koanf:"updateRateKilobytes"`
	UpdateWindow   string        `koanf:"updateWindow"`
}

// Text returns the value of a setting, by name, as it would be written; "" if there is none. Of a
// secret it shows only that there is one.
func (s Settings) Text(name string) string {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("koanf") != name {
			continue
		}
		switch x := v.Field(i).Interface().(type) {
		case time.Duration:
			return strconv.FormatInt(int64(x/time.Second), 10)
		case Secret:
			if x.Sealed() {
				return sealedShown
			}
			return x.String()
		case int:
			if row, _ := Lookup(name); x == 0 && row.Min > 0 {
				return ""
			}
			return strconv.Itoa(x)
		default:
			return fmt.Sprint(x)
		}
	}
	return ""
}

// sealedShown is shown for a sealed secret.
const sealedShown = "[sealed]"

// BrokerAddrs are host:port of the cloud's message brokers, of which each connection needs one.
func (s Settings) BrokerAddrs() []string {
	var all []string
	for text := range strings.SplitSeq(s.BrokerHost, ",") {
		host, port, err := splitHostPort(text)
		if err != nil || host == "" {
			return nil
		}
		all = append(all, net.JoinHostPort(host, cmp.Or(port, strconv.Itoa(s.BrokerPort))))
	}
	return all
}

// BrokerAddr is all of them, separated by commas.
func (s Settings) BrokerAddr() string { return strings.Join(s.BrokerAddrs(), ",") }

// Runner is "sudo", "socket" or "none": how Apps become the sandbox user here.
func (s Settings) Runner() string {
	switch {
	case s.AppsRunner != "auto":
		return s.AppsRunner
	case Sandboxed && s.SandboxUser != "":
		return "sudo"
	}
	return "none"
}

// ProxyURL returns the proxy with its credentials, nil without proxyHost. ProxyTC and ProxyExternal
// say which connections use it.
func (s Settings) ProxyURL() *url.URL {
	if s.ProxyHost == "" {
		return nil
	}
	scheme := proxyScheme.FindString(s.ProxyHost)
	host, _, _ := splitHostPort(s.ProxyHost[len(scheme):])
	u := &url.URL{
		Scheme: cmp.Or(strings.TrimSuffix(scheme, "://"), "http"),
		Host:   net.JoinHostPort(host, strconv.Itoa(s.ProxyPort)),
	}
	if s.ProxyUsername != "" {
		u.User = url.UserPassword(s.ProxyUsername, s.ProxyPassword.Reveal())
	}
	return u
}

// Check returns a *[ConflictError] for each group of settings whose values are allowed but do not
// fit together, joined.
func (s Settings) Check() error {
	var errs []error
	complain := func(mends []string, format string, args ...any) {
		errs = append(errs, &ConflictError{fmt.Sprintf(format, args...), mends})
	}
	if s.ProxyTC && s.ProxyHost == "" {
		complain([]string{"proxyTC=false", "proxyHost=HOST"}, `setting "proxyTC" is true and "proxyHost" is empty: set proxyHost, or proxyTC to false`)
	}
	if s.ProxyExternal && s.ProxyHost == "" {
		complain([]string{"proxyExternal=false", "proxyHost=HOST"}, `setting "proxyExternal" is true and "proxyHost" is empty: set proxyHost, or proxyExternal to false`)
	}
	if s.ProxyHost != "" && s.ProxyPort == 0 {
		complain([]string{"proxyPort=PORT", "proxyHost="}, `setting "proxyHost" is %q and "proxyPort" is empty: set proxyPort`, s.ProxyHost)
	}
	if s.ProxyUsername == "" && !s.ProxyPassword.Empty() {
		complain([]string{"proxyPassword=", "proxyUsername=NAME"}, `setting "proxyPassword" is set and "proxyUsername" is empty: set proxyUsername, or empty proxyPassword`)
	}
	if s.AppsRunner == "sudo" && s.SandboxUser == "" {
		complain([]string{"appsSandboxUser=USER", "appsRunner=none"}, `setting "appsRunner" is "sudo" and "appsSandboxUser" is empty: set appsSandboxUser, or appsRunner to none`)
	}
	if (s.AppsRunner == "sudo" || s.AppsRunner == "socket") && !Sandboxed {
		complain([]string{"appsRunner=none"}, `setting "appsRunner" is %q, which works on Linux only: set it to none`, s.AppsRunner)
	}
	if s.AppsIsolation == "required" && !Sandboxed {
		complain([]string{"appsIsolation=auto"}, `setting "appsIsolation" is "required", and Apps can be isolated on Linux only: set it to auto`)
	}
	return errors.Join(errs...)
}

// Secret returns the secret of a setting, by name; it is empty for a setting that is no secret.
func (s Settings) Secret(name string) Secret {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("koanf") == name {
			secret, _ := v.Field(i).Interface().(Secret)
			return secret
		}
	}
	return Secret{}
}

// IsSealed reports whether the setting is a secret that the keychain must open first.
func (s Settings) IsSealed(name string) bool { return s.Secret(name).Sealed() }

// Sealed reports whether the keychain must open any of the secrets first.
func (s Settings) Sealed() bool {
	return s.AppDeliveryToken.Sealed() || s.BrokerToken.Sealed() || s.KeystorePassword.Sealed() || s.ProxyPassword.Sealed()
}

// ErrNotEnrolled means that the settings name no cloud to work for.
var ErrNotEnrolled = errors.New("not enrolled")

// Enrolled returns an error that wraps [ErrNotEnrolled] and names the settings that are missing to
// reach a cloud.
func (s Settings) Enrolled() error {
	var missing []string
	for _, need := range []struct {
		name  string
		empty bool
	}{
		{"apiURL", s.APIURL == ""},
		{"appDeliveryToken", s.AppDeliveryToken.Empty()},
		{"brokerHost", s.BrokerHost == ""},
		{"brokerToken", s.BrokerToken.Empty()},
		{"serverXid", s.ServerXID == ""},
	} {
		if need.empty {
			missing = append(missing, need.name)
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("%w: settings without a value: %s", ErrNotEnrolled, strings.Join(missing, ", "))
}

// WarmMegabytes is appsWarmMegabytes on a host with so many bytes of memory.
func (s Settings) WarmMegabytes(memory uint64) int {
	if n, err := strconv.Atoi(s.AppsWarm); err == nil {
		return n
	}
	return int(min(memory>>20/16, 1024))
}
