package envelope_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"tcenvsvr/agent/secret/envelope"
)

func Example() {
	now := time.Now()

	// The server, once; and its statement, each day.
	ring, _ := envelope.NewRing(now)
	statement, err := envelope.State(ring, "server-1", "plant-7", clientCertificate(now), now)
	if err != nil {
		fmt.Println(err)
		return
	}
	onTheServersScreen := ring.Current().Fingerprint()

	// The submitter, who got the statement from the cloud and read the screen.
	key, err := statement.Verify(envelope.Trust{Pins: []envelope.Fingerprint{onTheServersScreen}}, "plant-7", now)
	if err != nil {
		fmt.Println(err)
		return
	}
	at := envelope.Binding{Environment: "plant-7", Order: "order-1", Parameter: "password"}
	text, _ := envelope.Seal([]envelope.PublicKey{key}, at, []byte("opensesame"))
	fmt.Println(text[:12], envelope.IsSealed(text))

	// The server, on the way to the App.
	value, err := ring.Open(at, text)
	fmt.Println(string(value), err)

	at.Parameter = "comment" // which the App would show
	_, err = ring.Open(at, text)
	fmt.Println(err)
	// Output:
	// tcsealed:v1: true
	// opensesame <nil>
	// opening the sealed parameter "comment": it was changed, or sealed for another order, parameter or Environment
}

// clientCertificate is what the server got when it was enrolled.
func clientCertificate(now time.Time) tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server-1"}, NotBefore: now, NotAfter: now.Add(time.Hour)}
	der, _ := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
