package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tcenvsvr/certs"
	"tcenvsvr/certs/roots"
)

// merge makes the trust stores of this host and 50 private CAs in all three forms, and has keytool
// do the same to a copy of the JDK's store.
func merge(b *bench) error {
	java, err := exec.LookPath("java")
	if err != nil {
		return err
	}
	drop := filepath.Join(b.Dir, "certs.d")
	private := b.size(50, 5)
	if err := makeCAs(drop, private); err != nil {
		return err
	}
	sources := certs.Sources{Drops: []string{drop}, Java: java}
	var times, checks []float64
	var set *certs.Set
	var used time.Duration
	for i := range b.size(20, 3) {
		store := certs.New(certs.Config{Dir: filepath.Join(b.Dir, fmt.Sprintf("trust-%d", i)), Sources: sources})
		before, _ := cpu(os.Getpid())
		begun := time.Now()
		if set, err = store.Current(b.ctx); err != nil {
			return err
		}
		times = append(times, ms(time.Since(begun)))
		after, _ := cpu(os.Getpid())
		used += after - before
		for range 100 {
			begun = time.Now()
			if _, err := store.Current(b.ctx); err != nil {
				return err
			}
			checks = append(checks, ms(time.Since(begun)))
		}
	}
	b.row("CAs in each of PEM, JKS and PKCS#12", float64(set.Count), "", "")
	b.row("merge from nothing, all three on disk: p50", percentile(times, 0.5), "ms", "< 50 ms")
	b.row("merge from nothing, all three on disk: fastest", percentile(times, 0), "ms", "")
	b.row("merge, processor time", ms(used)/float64(len(times)), "ms", "")
	b.row("check at a job's start, nothing changed: p50", percentile(checks, 0.5), "ms", "< 0.2 ms")
	b.row("check at a job's start, nothing changed: fastest", percentile(checks, 0), "ms", "")
	took, err := keytool(b, java, drop)
	if err != nil {
		return err
	}
	b.row("keytool, the same into JKS and PKCS#12", took.Seconds(), "s", "")
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// keytool imports every file of dir into a copy of the JDK's store, and then the whole into
// PKCS#12.
func keytool(b *bench, java, dir string) (time.Duration, error) {
	cacerts, ok := roots.JavaFile(java)
	if !ok {
		return 0, errors.New("the JDK has no cacerts")
	}
	data, err := os.ReadFile(cacerts)
	if err != nil {
		return 0, err
	}
	store := filepath.Join(b.Dir, "keytool.jks")
	files, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := os.WriteFile(store, data, 0o600); err != nil {
		return 0, err
	}
	run := func(args ...string) error {
		if out, err := exec.CommandContext(b.ctx, "keytool", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("keytool: %w: %s", err, out)
		}
		return nil
	}
	for _, file := range files {
		if err := run("-importcert", "-noprompt", "-alias", filepath.Base(file), "-file", file, "-keystore", store, "-storepass", "changeit"); err != nil {
			return 0, err
		}
	}
	err = run("-importkeystore", "-noprompt", "-srckeystore", store, "-srcstorepass", "changeit",
		"-destkeystore", filepath.Join(b.Dir, "keytool.p12"), "-deststoretype", "PKCS12", "-deststorepass", "changeit")
	return time.Since(begun), err
}

// makeCAs writes n CAs into a new folder.
func makeCAs(dir string, n int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for i := range n {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: fmt.Sprintf("Bench CA %d", i)}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			return err
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("ca-%03d.pem", i)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
