package upstreamtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Credentials that the instance takes.
const (
	AccessID  = "12345678901234567890"
	SecretKey = "the/secret+key=of the API user"
	Token     = "APIV2:1:secret-token"
)

// Instance is a platform. Its fields may be read and set under its lock.
type Instance struct {
	sync.Mutex
	// Before answers a request itself and returns true, or leaves it to the instance.
	Before func(w http.ResponseWriter, r *http.Request) bool
	// Requests are all whose credentials were right, as "METHOD path".
	Requests []string
	// Denied are those whose credentials were wrong.
	Denied []string
	// Seen counts how often each indicator came in a batch.
	Seen map[string]int
	// Batches are the sizes of the batches that were completed.
	Batches []int

	t       testing.TB
	addr    string
	server  *httptest.Server
	jobs    map[string]map[string]any // batch jobs by id
	records map[string]string         // of the data store, by path
	metrics []map[string]any
	values  int // added to metrics
}

// New starts an instance, which ends with the test.
func New(t testing.TB) *Instance {
	t.Helper()
	i := &Instance{t: t, addr: "127.0.0.1:0", Seen: map[string]int{}, jobs: map[string]map[string]any{}, records: map[string]string{}}
	i.Restart()
	t.Cleanup(i.Kill)
	return i
}

// Kill ends the instance, with the requests under way.
func (i *Instance) Kill() {
	i.server.CloseClientConnections()
	i.server.Listener.Close()
}

// Restart starts it again at the same address.
func (i *Instance) Restart() {
	i.t.Helper()
	var l net.Listener
	var err error
	for range 100 { // connections of the killed one may still end
		if l, err = net.Listen("tcp", i.addr); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		i.t.Fatal(err)
	}
	i.addr = l.Addr().String()
	s := httptest.NewUnstartedServer(i)
	_ = s.Listener.Close()
	s.Listener = l
	s.StartTLS()
	i.server = s
}

// URL is the address of the instance.
func (i *Instance) URL() string { return "https://" + i.addr }

// CA is the PEM of the CA that its certificate comes from.
func (i *Instance) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
}

// Files writes the CA and the credentials into dir and returns their paths.
func (i *Instance) Files(dir string) (ca, credentials string) {
	i.t.Helper()
	ca, credentials = filepath.Join(dir, "platform-ca.pem"), filepath.Join(dir, "platform-credentials")
	text := "TC_API_ACCESS_ID=" + AccessID + "\nTC_API_SECRET_KEY=\"" + SecretKey + "\"\n"
	if err := os.WriteFile(ca, i.CA(), 0o644); err != nil {
		i.t.Fatal(err)
	}
	if err := os.WriteFile(credentials, []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return ca, credentials
}

// Count returns how many of the requests begin so.
func (i *Instance) Count(prefix string) (n int) {
	i.Lock()
	defer i.Unlock()
	for _, r := range i.Requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// denied returns why a request's credentials are wrong, "" if they are right.
func denied(r *http.Request) string {
	authorization := r.Header.Values("Authorization")
	if len(authorization) != 1 {
		return "there is no Authorization, or more than one"
	}
	stamp, err := strconv.ParseInt(r.Header.Get("Timestamp"), 10, 64)
	if age := time.Since(time.Unix(stamp, 0)); err != nil || age.Abs() > 5*time.Minute {
		return "Timestamp is not that of now"
	}
	if slices.Equal(authorization, []string{"TC-Token " + Token}) {
		return ""
	}
	h := hmac.New(sha256.New, []byte(SecretKey))
	fmt.Fprintf(h, "%s:%s:%d", r.RequestURI, r.Method, stamp)
	if authorization[0] != "TC "+AccessID+":"+base64.StdEncoding.EncodeToString(h.Sum(nil)) {
		return "the signature is wrong"
	}
	return ""
}

// ServeHTTP implements http.Handler.
func (i *Instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.Method + " " + r.URL.EscapedPath()
	why := denied(r)
	i.Lock()
	before := i.Before
	if why != "" {
		i.Denied = append(i.Denied, name+": "+why)
	} else {
		i.Requests = append(i.Requests, name)
	}
	i.Unlock()
	if why != "" {
		answer(w, http.StatusUnauthorized, map[string]any{"status": "Failure", "message": "Access was denied"})
		return
	}
	if before != nil && before(w, r) {
		return
	}
	i.serve(w, r)
}
