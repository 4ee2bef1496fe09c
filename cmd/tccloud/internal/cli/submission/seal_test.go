package submission_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/submission"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestRecipients: what is sealed is sealed to servers whose statements verify, each once, and the cloud
// cannot give one of them another one's statement.
func TestRecipients(t *testing.T) {
	ca, foreign := rig.NewCA(t), rig.NewCA(t)
	statement := func(ca *rig.CA, xid wire.ServerXID) (string, envelope.Ring) {
		t.Helper()
		ring, err := envelope.NewRing(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		cert := ca.Issue(t, string(xid))
		st, err := envelope.State(ring, xid, "lab", cert, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		text, err := st.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return string(text), ring
	}
	one, ring := statement(ca, "s1")
	other, _ := statement(foreign, "s4")
	root, err := x509.ParseCertificate(ca.Raw())
	if err != nil {
		t.Fatal(err)
	}
	trust := envelope.Trust{CAs: []*x509.Certificate{root}}
	all := []v1.Statement{
		{Server: "s1", Name: "one", Statement: one}, {Server: "s2", Name: "two"}, {Server: "s3", Name: "three", Statement: one},
		{Server: "s4", Name: "four", Statement: other}, {Server: "s5", Name: "five", Statement: "junk"},
	}
	to, not, err := submission.Recipients(all, trust, "lab", time.Now())
	if err != nil || len(to) != 1 || to[0].Server != "s1" || to[0].Fingerprint != ring.Current().Fingerprint().String() {
		t.Errorf("got %+v, %v", to, err)
	}
	for i, want := range []string{"it has not stated a sealing key", `the statement is of server "s1"`, "", ""} {
		if len(not) != 4 || not[i].Server != all[i+1].Server || not[i].Why == "" || !strings.Contains(not[i].Why, want) {
			t.Fatalf("not %+v, want %q", not, want)
		}
	}
	_, _, err = submission.Recipients(all[1:3], trust, "lab", time.Now())
	if err == nil || !strings.Contains(err.Error(), `environment "lab" has no server to seal to (two: it has not stated a sealing key`) {
		t.Errorf("got %v", err)
	}
	if _, _, err = submission.Recipients(nil, trust, "lab", time.Now()); err == nil || !strings.Contains(err.Error(), `environment "lab" has no servers to seal to`) {
		t.Errorf("got %v", err)
	}
}
