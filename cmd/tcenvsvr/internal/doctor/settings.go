package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/privatefile"
	"tcenvsvr/agent/settings"
)

func settingsFile(_ context.Context, t *target) outcome {
	info, err := os.Lstat(t.Paths.Settings)
	gone, isGone := errors.AsType[*settings.FileError](t.settingsErr)
	switch {
	case errors.Is(err, os.ErrNotExist) && isGone:
		return fail(gone.Try, "%s", oneLine(gone))
	case errors.Is(err, os.ErrNotExist):
		return skip("there is none: everything is at its default")
	case paths.Barrier(filepath.Dir(t.Paths.Home)) != "":
		folder := paths.Barrier(filepath.Dir(t.Paths.Home))
		return fail(paths.Opening(folder, currentUser()), "the folder %q, on the way to the agent's files, cannot be passed: %v", folder, err)
	case err != nil:
		return fail("run the doctor as root or as the agent's user", "%v", err)
	case !info.Mode().IsRegular():
		return fail("remove it and enroll again", "%q is no regular file", t.Paths.Settings)
	}
	if mode := info.Mode().Perm(); exposed(mode) {
		return fail(fmt.Sprintf(`"chmod 600 %s", or "tcenvsvr doctor --fix"`, t.Paths.Settings), "others may read or change it (mode %04o)", mode)
	}
	if state, err := os.Stat(t.Paths.State); errors.Is(t.settingsErr, os.ErrPermission) && err == nil && isOurs(state) {
		return fail(`"tcenvsvr host apply", or "tcenvsvr doctor --fix", as root`, "the agent may not read it (mode %04o%s)", info.Mode().Perm(), owner(info))
	}
	return ok("%q, mode %04o%s", t.Paths.Settings, info.Mode().Perm(), owner(info))
}

// currentUser is the name of the user who runs the checks: for root, that is the agent's.
func currentUser() string {
	u, err := user.Current()
	if err != nil {
		return fmt.Sprint(os.Geteuid())
	}
	return u.Username
}

func settingsValues(_ context.Context, t *target) outcome {
	if errors.Is(t.settingsErr, os.ErrPermission) {
		return skip("only root and the agent's user may read them")
	}
	if err := errors.Join(t.settingsErr, t.settings.Check()); err != nil {
		return fail(hint(err, `see "tcenvsvr settings check"`), "%s", oneLine(err))
	}
	return ok("all are allowed and fit together")
}

func enrollment(_ context.Context, t *target) outcome {
	if t.settingsErr != nil {
		return skip("the settings cannot be read")
	}
	if err := t.settings.Enrolled(); err != nil {
		return warn(`download the bundle of an Environment and run "tcenvsvr enroll FILE"`, "%s", oneLine(err))
	}
	return ok("server %s of %s", t.settings.ServerXID, t.settings.BrokerAddr())
}

func keychainState(_ context.Context, t *target) outcome {
	switch err := t.chainErr; {
	case errors.Is(err, keychain.ErrMissing) && t.settings.Sealed():
		return fail("restore keychain.json from a backup, or enroll with a fresh bundle", "secrets are sealed and there is no keychain")
	case errors.Is(err, keychain.ErrMissing):
		return warn(`"tcenvsvr keychain init" seals them`, "there is none: secrets in settings.yaml are protected by its mode alone")
	case errors.Is(err, os.ErrPermission):
		return skip("only root and the agent's user may look")
	case errors.Is(err, privatefile.ErrUnsafe):
		return unsafe(err, t.Paths.Keychain)
	case err != nil:
		return fail(hint(err, "restore keychain.json from a backup, or enroll with a fresh bundle"), "%s", oneLine(err))
	}
	return t.secrets()
}

// unsafe is the outcome of a file of secrets that the agent does not touch, because others could
// have read or changed it. Nothing has to be restored: what to do is in the error. --fix closes modes,
// and nothing else.
func unsafe(err error, path string) outcome {
	try := hint(err, "see who changed it, and restore it from a backup")
	if info, statErr := os.Lstat(path); statErr == nil && info.Mode().IsRegular() && open(info.Mode().Perm()) {
		try += `; or "tcenvsvr doctor --fix"`
	}
	return fail(try, "%s: the agent does not use it", oneLine(err))
}

// secrets says whether the sealed secrets can be opened.
func (t *target) secrets() outcome {
	switch {
	case t.lockedErr == nil:
		return ok("there is one, and the secrets in the settings can be opened")
	case errors.Is(t.lockedErr, keychain.ErrLocked):
		return ok("secrets are sealed; this command has not the master password, so some checks are skipped")
	}
	return fail(hint(t.lockedErr, `see "tcenvsvr keychain status"; masterKeyFile must hold the master password and be readable to the agent alone`), "%s", oneLine(t.lockedErr))
}

// soon is the time before an expiry from which on it is worth a warning.
const soon = 14 * 24 * time.Hour

func clientCertificate(_ context.Context, t *target) outcome {
	if s := t.notEnrolled(); s != nil {
		return *s
	}
	if t.settings.KeystorePassword.Sealed() {
		return skip("the keystore's password is sealed")
	}
	if errors.Is(t.identityErr, os.ErrPermission) {
		return skip("only root and the agent's user may read the keystore")
	}
	if errors.Is(t.identityErr, privatefile.ErrUnsafe) {
		return unsafe(t.identityErr, t.Paths.Keystore)
	}
	if t.identityErr != nil {
		return fail(hint(t.identityErr, `restore keystore.p12 from a backup, or enroll with a fresh bundle ("tccloud bundle ENV --server XID")`), "%s", oneLine(t.identityErr))
	}
	if err := t.identity.Unused(); err != nil {
		return warn("the next renewal replaces it; if the cloud refuses this server's certificate, enroll with a fresh bundle", "a renewed certificate cannot be used: %s", oneLine(err))
	}
	leaf := t.identity.Leaf()
	switch left := time.Until(leaf.NotAfter); {
	case left <= 0:
		return fail("see that this host's clock is right; if it is, enroll with a fresh bundle", "the certificate expired on %s, and this host's clock says %s",
			leaf.NotAfter.UTC().Format(time.DateTime), time.Now().UTC().Format(time.DateTime))
	case left < soon:
		return warn("see why it was not renewed: it is, at two thirds of its life, while the agent is connected", "it expires on %s", leaf.NotAfter.Format(time.DateOnly))
	}
	return ok("%s, valid until %s", leaf.Subject.CommonName, leaf.NotAfter.Format(time.DateOnly))
}

// hint is the error's own hint, or otherwise.
func hint(err error, otherwise string) string {
	_, own, _ := strings.Cut(err.Error(), "\nhint: ")
	return cmp.Or(own, otherwise)
}

func oneLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\nhint: ")
	return strings.Join(strings.Fields(text), " ")
}
