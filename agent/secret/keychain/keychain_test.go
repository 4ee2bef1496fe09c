package keychain

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/secret/privatefile"
)

func TestMain(m *testing.M) {
	iterations, floor = 50, 10 // the real number would take all the time there is
	os.Exit(m.Run())
}

var password = []byte("correct horse battery")

func create(t testing.TB) (*Keychain, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keychain.json")
	k, err := Create(path, password)
	if err != nil {
		t.Fatal(err)
	}
	return k, path
}

func sealed(t testing.TB, k *Keychain, setting, plain string) string {
	t.Helper()
	s, err := k.Seal(setting, plain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedValuesComeBack(t *testing.T) {
	k, path := create(t)
	for _, plain := range []string{"", "#", "päß]wörd[", strings.Repeat("long", 1000)} {
		s := sealed(t, k, "brokerToken", plain)
		if !IsSealed(s) || plain != "" && strings.Contains(s, plain) {
			t.Errorf("sealed %q is %q", plain, s)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Unseal("brokerToken", s); !errors.Is(err, ErrLocked) {
			t.Errorf("Unseal of a locked keychain = %v", err)
		}
		if err := again.Unlock(password); err != nil {
			t.Fatal(err)
		}
		if got, err := again.Unseal("brokerToken", s); err != nil || got != plain {
			t.Errorf("got %q, %v; want %q", got, err, plain)
		}
		again.Lock()
		if !again.Locked() {
			t.Error("Lock left it unlocked")
		}
	}
	if first, again := sealed(t, k, "a", "same"), sealed(t, k, "a", "same"); first == again {
		t.Error("the same value is sealed to the same text: a nonce repeats")
	}
}

func TestForeignValues(t *testing.T) {
	k, _ := create(t)
	other, _ := create(t)
	s := sealed(t, k, "brokerToken", "secret")
	for name, v := range map[string]string{
		"plain": "secret", "nothing": "", "half of it": "ENC[", "empty": "ENC[]", "without its brackets": s[4 : len(s)-1], "no base64": "ENC[???]", "cut off": s[:len(s)-6] + "]",
		"edited": "ENC[" + "AAAA" + s[8:], "of another keychain": sealed(t, other, "brokerToken", "secret"),
	} {
		if got, err := k.Unseal("brokerToken", v); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "set it again, or enroll again with --replace") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %q, %v; want ErrForeign", name, got, err)
		}
	}
	if _, err := k.Unseal("proxyPassword", s); !errors.Is(err, ErrForeign) {
		t.Errorf("a value was taken for another setting: %v", err)
	}
}

func TestTenWrongPasswordsChangeNothing(t *testing.T) {
	k, path := create(t)
	s := sealed(t, k, "brokerToken", "secret")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if k, err = Open(path); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := k.Unlock(fmt.Appendf(nil, "wrong password %d", i)); !errors.Is(err, ErrWrongPassword) {
			t.Fatalf("wrong password %d: %v", i, err)
		}
		if err := k.ChangePassword(fmt.Appendf(nil, "wrong %d", i), []byte("another password")); !errors.Is(err, ErrWrongPassword) {
			t.Fatalf("changing with wrong password %d: %v", i, err)
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) || !k.Locked() {
		t.Error("a wrong password changed something")
	}
	if err := k.Unlock(password); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Unseal("brokerToken", s); err != nil || got != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestChangePassword(t *testing.T) {
	k, path := create(t)
	s := sealed(t, k, "brokerToken", "secret")
	if err := k.ChangePassword(password, []byte("short")); !errors.Is(err, ErrPassword) {
		t.Errorf("a short password: %v", err)
	}
	if err := k.ChangePassword(password, []byte("the new password")); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Unlock(password); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("the old password: %v", err)
	}
	if err := again.Unlock([]byte("the new password")); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Unseal("brokerToken", s); err != nil || got != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}

// A change that cannot be written leaves the old password in force, in the file and in memory.
func TestChangePasswordThatFails(t *testing.T) {
	k, path := create(t)
	dir := filepath.Dir(path)
	if err := os.Rename(path, path+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // a rename onto a folder fails, for root too
		t.Fatal(err)
	}
	if err := k.ChangePassword(password, []byte("the new password")); err == nil {
		t.Fatal("no error")
	}
	if err := k.Unlock(password); err != nil {
		t.Errorf("the old password: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestCreateRefuses(t *testing.T) {
	_, path := create(t)
	if _, err := Create(path, password); !errors.Is(err, ErrExists) {
		t.Errorf("a second keychain: %v", err)
	}
	const short, broken, long = "bytes, want at least 8", "it has a line break or a zero byte", "it has 1025 bytes, want at most 1024"
	for p, want := range map[string]string{"": short, "seven b": short, "with\nline": broken, "with\x00zero": broken, strings.Repeat("x", 1025): long} {
		if _, err := Create(filepath.Join(t.TempDir(), "k"), []byte(p)); !errors.Is(err, ErrPassword) || !strings.Contains(err.Error(), want) || p != "" && strings.Contains(err.Error(), p) {
			t.Errorf("password %q: got %v, want %q", p, err, want)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	_, path := create(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const noJSON, iterations = "it is empty, cut off or not JSON", "iterations, want 10 to 10000000"
	for name, tt := range map[string]struct{ text, want string }{
		"empty": {"", noJSON}, "torn": {string(good[:len(good)/2]), noJSON}, "no JSON": {"hello", noJSON}, "two": {string(good) + string(good), noJSON},
		"unknown field":  {strings.Replace(string(good), "{", `{"x":1,`, 1), noJSON},
		"other format":   {strings.Replace(string(good), format, "foreign", 1), `its format is "foreign", want "tcenvsvr-keychain-1"`},
		"no iterations":  {strings.Replace(string(good), `"iterations": 50`, `"iterations": 1`, 1), iterations},
		"would hang":     {strings.Replace(string(good), `"iterations": 50`, `"iterations": 2000000000`, 1), iterations},
		"short salt":     {strings.Replace(string(good), `"salt": "`, `"salt": "AAAA`, 1), "its salt or key has the wrong length"},
		"another number": {strings.Replace(string(good), `"iterations": 50`, `"iterations": 51`, 1), "it is not what was written: its checksum does not fit"},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want ErrDamaged: %s", name, err, tt.want)
		}
	}
	// Any byte of it that changes is damage, not a wrong password.
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if f, err := decode(bad); err == nil && !bytes.Equal(f.digest(), f.Sum) || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
	}
	// What fits the format, checksum and all, and was changed by hand: the password does not open
	// it.
	forged, err := decode(good)
	if err != nil {
		t.Fatal(err)
	}
	forged.Iterations++
	forged.Sum = forged.digest()
	text, err := encode(forged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Unlock(password); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("changed iterations: %v", err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte(" "), maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, privatefile.ErrUnsafe) {
		t.Errorf("large file: %v", err)
	}
	if _, err := Open(path + ".none"); !errors.Is(err, ErrMissing) {
		t.Errorf("missing file: %v", err)
	}
}

// The package holds to what FIPS 140 allows: in a process that allows nothing else.
func TestFIPS(t *testing.T) {
	if os.Getenv("KEYCHAIN_TEST_FIPS") == "" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe, "-test.run=^(TestFIPS|TestSealedValuesComeBack|TestChangePassword)$")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "KEYCHAIN_TEST_FIPS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("with GODEBUG=fips140=only: %v\n%s", err, out)
		}
	}
}

func FuzzDecode(f *testing.F) {
	_, path := create(f)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decode(text)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error without a name: %v", err)
			}
			return
		}
		again, err := encode(got)
		if err != nil {
			t.Skip() // a time that JSON cannot say
		}
		if twice, err := decode(again); err != nil || !bytes.Equal(twice.bound(), got.bound()) {
			t.Fatalf("decode → encode → decode differs: %v", err)
		}
	})
}

func FuzzUnseal(f *testing.F) {
	k, _ := create(f)
	f.Add("ENC[]")
	f.Add(sealed(f, k, "other", "x"))
	f.Fuzz(func(t *testing.T, v string) {
		if got, err := k.Unseal("brokerToken", v); !errors.Is(err, ErrForeign) {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}
