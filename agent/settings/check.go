package settings

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// MaxText is the longest value in bytes.
const MaxText = 4096

// maxSealed is the longest sealed text: base64 of the longest text and more.
const maxSealed = 2 * MaxText

// Parse checks value and returns it with the Go type of its kind: string, int, time.Duration or
// bool. The error says what is allowed; it does not quote the value, which may be secret.
func (s Setting) Parse(value string) (any, error) {
	switch s.Kind {
	case Number, Seconds:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < s.Min || n > s.Max {
			return nil, errors.New(s.Want())
		}
		if value != strconv.FormatInt(n, 10) { // YAML takes 010 for 8
			return nil, errors.New(s.Want() + ", without a sign or a zero before it")
		}
		if s.Kind == Seconds {
			return time.Duration(n) * time.Second, nil
		}
		return int(n), nil
	case Switch:
		switch strings.ToLower(value) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, errors.New(s.Want())
	}
	return value, s.checkText(value)
}

func (s Setting) checkText(value string) error {
	switch {
	case s.Secret && isSealed(value):
		return s.checkSealed(value)
	case len(value) > MaxText:
		return fmt.Errorf("at most %d bytes", MaxText)
	case strings.ContainsFunc(value, unicode.IsControl):
		return errors.New("a text without line breaks and control characters")
	case !s.Secret && strings.TrimSpace(value) != value:
		return errors.New("a text without spaces around it")
	}
	for _, c := range s.Choices {
		if value == c {
			return nil
		}
	}
	if s.Choices != nil {
		return errors.New(s.Want())
	}
	if value != "" && s.check != nil {
		return s.check(value)
	}
	return nil
}

// checkSealed checks only the form: the keychain checks the rest.
func (s Setting) checkSealed(value string) error {
	if len(value) > maxSealed || !strings.HasSuffix(value, "]") || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s…] as the keychain wrote it", sealedPrefix)
	}
	return nil
}

// Want describes the values that are allowed, e.g. "a whole number from 1 to 4096".
func (s Setting) Want() string {
	switch {
	case s.Kind == Number:
		return fmt.Sprintf("a whole number from %d to %d", s.Min, s.Max)
	case s.Kind == Seconds:
		return fmt.Sprintf("a whole number of seconds from %d to %d", s.Min, s.Max)
	case s.Kind == Switch:
		return "true or false"
	case s.Choices != nil:
		words := make([]string, len(s.Choices))
		for i, c := range s.Choices {
			if words[i] = c; c == "" {
				words[i] = "nothing"
			}
		}
		return strings.Join(words, " or ")
	}
	return "a text"
}

var (
	hostPattern = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.?)+$`)
	userPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)
	xidPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	proxyScheme = regexp.MustCompile(`^(?:(?:http|https|socks5)://)?`)
)

func checkURL(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" || !validHost(u.Hostname()) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("an https URL of scheme, host, port and path only")
	}
	if p := u.Port(); p != "" && !validPort(p) {
		return errors.New("an https URL with a port from 1 to 65535")
	}
	return nil
}

func checkHostPort(v string) error {
	host, port, err := splitHostPort(v)
	if err != nil || !validHost(host) || port != "" && !validPort(port) {
		return errors.New("a host name or address, with or without :port, without scheme")
	}
	return nil
}

// maxBrokers is how many the link takes.
const maxBrokers = 16

func checkBrokers(v string) error {
	all := strings.Split(v, ",")
	if len(all) > maxBrokers {
		return fmt.Errorf("at most %d hosts", maxBrokers)
	}
	for i, one := range all {
		if err := checkHostPort(one); err != nil && len(all) > 1 {
			return fmt.Errorf("hosts separated by commas without spaces, each %w", err)
		} else if err != nil {
			return err
		}
		if slices.Contains(all[:i], one) {
			return errors.New("hosts that differ")
		}
	}
	return nil
}

func checkProxyHost(v string) error {
	host := v[len(proxyScheme.FindString(v)):]
	switch h, port, err := splitHostPort(host); {
	case isPAC(v):
		return errors.New("a host: PAC files are not supported; write the proxy that the file names for the cloud")
	case strings.Contains(v, "@"):
		return errors.New("a host; the user name goes to proxyUsername, the password to proxyPassword")
	case err == nil && port != "" && validHost(h):
		return errors.New("a host without a port; the port goes to proxyPort")
	case err != nil || !validHost(h):
		return errors.New("a host name or address, with or without http://, https:// or socks5:// before it")
	}
	return nil
}

// isPAC reports whether a value names the file by which browsers choose a proxy.
func isPAC(v string) bool {
	v, _, _ = strings.Cut(strings.ToLower(v), "?")
	return strings.HasSuffix(v, ".pac") || strings.HasSuffix(v, "/wpad.dat") || strings.HasPrefix(v, "pac+") || strings.HasPrefix(v, "pac ")
}

func checkPath(v string) error {
	if !filepath.IsAbs(v) {
		return errors.New("an absolute path")
	}
	return nil
}

// checkMetricsFile wants the ending by which node_exporter knows its files, in a folder of their own.
func checkMetricsFile(v string) error {
	if !filepath.IsAbs(v) || filepath.Clean(v) != v || filepath.Ext(v) != ".prom" {
		return errors.New("an absolute path of a file that ends in .prom")
	}
	return nil
}

func checkUser(v string) error {
	if !userPattern.MatchString(v) || v == "root" {
		return errors.New("a user's name, not root")
	}
	return nil
}

func checkName(v string) error {
	if len(v) > 128 {
		return errors.New("at most 128 bytes")
	}
	return nil
}

func checkXID(v string) error {
	if !xidPattern.MatchString(v) {
		return errors.New("1 to 64 letters, digits, - and _")
	}
	return nil
}

var windowPattern = regexp.MustCompile(`^((sun|mon|tue|wed|thu|fri|sat)(,(sun|mon|tue|wed|thu|fri|sat))* )?(([01][0-9]|2[0-3]):[0-5][0-9])-((([01][0-9]|2[0-3]):[0-5][0-9])|24:00)$`)

func checkWindow(v string) error {
	m := windowPattern.FindStringSubmatch(v)
	if m == nil || m[5] == m[7] {
		return errors.New("days and hours like 22:00-04:00 or sat,sun 01:00-05:00")
	}
	return nil
}

func checkWarm(v string) error {
	if n, err := strconv.Atoi(v); v != "auto" && (err != nil || n < 0 || n > 1<<20 || strconv.Itoa(n) != v) {
		return errors.New("auto, or a whole number from 0 to 1048576")
	}
	return nil
}
