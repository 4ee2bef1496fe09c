package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"html"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"

	"tcenvsvr/agent/logging/plain"
)

// Limits of what is read of a proxy's answer.
const (
	maxHeader = 64 << 10  // Kerberos challenges can be tens of KiB
	maxBody   = 256 << 10 // read to keep the connection, else it is dropped
	maxReason = 300
)

var (
	errHeaderTooLarge = errors.New("the header is larger than 64 KiB")
	errNotHTTP        = errors.New("the answer is not HTTP")
	errAnsweredTLS    = errors.New("the answer is TLS, not HTTP")
)

// answer is what a proxy said to CONNECT.
type answer struct {
	status   int
	words    string // the proxy's own, which may repeat our login
	offers   []challenge
	reusable bool // the connection is at the start of the next answer
}

// answers reads one proxy connection's answers.
type answers struct {
	limit *io.LimitedReader
	br    *bufio.Reader
}

func newAnswers(r io.Reader) *answers {
	l := &io.LimitedReader{R: r}
	return &answers{limit: l, br: bufio.NewReader(l)}
}

// next reads an answer. After a 2xx what follows the header is left for rest; after any other
// status the body is read, within its limit.
func (a *answers) next() (answer, error) {
	for range 5 { // a few 1xx answers may come first
		a.limit.N = maxHeader
		if first, err := a.br.Peek(3); err == nil && first[0] == 0x15 && first[1] == 3 {
			return answer{}, errAnsweredTLS
		}
		resp, err := http.ReadResponse(a.br, &http.Request{Method: http.MethodConnect}) //nolint:bodyclose // what follows a 2xx is the tunnel; finish reads the others
		switch {
		case err == nil:
		case a.limit.N <= 0:
			return answer{}, errHeaderTooLarge
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return answer{}, io.ErrUnexpectedEOF
		case isNetwork(err):
			return answer{}, err
		default: // net/http's error quotes what was received: drop it
			return answer{}, errNotHTTP
		}
		if resp.StatusCode/100 != 1 {
			return a.finish(resp), nil
		}
	}
	return answer{}, errNotHTTP
}

// isNetwork tells a broken connection from a malformed answer.
func isNetwork(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok
}

func (a *answers) finish(resp *http.Response) answer {
	ans := answer{
		status: resp.StatusCode,
		offers: parseChallenges(resp.Header.Values("Proxy-Authenticate")),
	}
	if resp.StatusCode/100 == 2 { // the tunnel begins; a length would be meaningless
		return ans
	}
	a.limit.N = maxBody
	var body []byte
	var err error
	if resp.StatusCode != http.StatusProxyAuthRequired || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 {
		body, err = io.ReadAll(resp.Body)
	} // else the body lasts until the proxy closes, and we dial a new connection instead of waiting for that
	ans.reusable = err == nil && !resp.Close && !connectionClose(resp.Header)
	_, words, _ := strings.Cut(resp.Status, " ")
	parts := []string{words}
	for _, name := range []string{"Proxy-Status", "X-Squid-Error"} {
		parts = append(parts, resp.Header.Get(name))
	}
	if to, err := resp.Location(); err == nil && to.Host != "" {
		parts = append(parts, "it leads to "+to.Scheme+"://"+to.Host) // a path may hold what is secret
	}
	parts = append(parts, summary(body, words))
	ans.words = strings.Join(parts, "\n")
	return ans
}

// connectionClose also honours the header that old proxies send.
func connectionClose(h http.Header) bool {
	return strings.EqualFold(h.Get("Proxy-Connection"), "close")
}

// rest returns the bytes read beyond the last header.
func (a *answers) rest() []byte {
	b, _ := a.br.Peek(a.br.Buffered())
	return bytes.Clone(b)
}

// title is the sentence that a page of HTML begins with.
var title = regexp.MustCompile(`(?is)<title[^>]*>([^<]*)`)

// summary finds the sentence in an error page: its title, its text where that only repeats the
// status, or its first line where it is plain text.
func summary(body []byte, status string) string {
	text := string(body)
	if !strings.Contains(text, "<") {
		line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		return line
	}
	if m := title.FindStringSubmatch(text); m != nil && strings.TrimSpace(m[1]) != "" && (status == "" || !strings.Contains(m[1], status)) {
		return html.UnescapeString(m[1])
	}
	if said := plain.Page(text); said != status {
		return said
	}
	return ""
}

// oneLine joins the lines of s that are not empty by "; ", in maxReason bytes.
func oneLine(s string) string {
	var parts []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(plain.Line(line)); line != "" {
			parts = append(parts, line)
		}
	}
	return plain.Head(strings.Join(parts, "; "), maxReason)
}
