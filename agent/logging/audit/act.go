package audit

// Act names what was done.
type Act string

// The acts. Their names are an API: people search for them and raise alerts on them. Those of
// self-update (update_staged, …) are in package updater, which does not know this one.
const (
	AgentStarted  Act = "agent_started"
	AgentStopped  Act = "agent_stopped"
	OrderAccepted Act = "order_accepted" // and not denied
	OrderRefused  Act = "order_refused"
	OrderDenied   Act = "order_denied"   // by the customer's policy, or for its signature or parameters
	PolicyChanged Act = "policy_changed" // the customer's policy
	SudoRefused   Act = "sudo_refused"
	IntakePaused  Act = "intake_paused" // this host cannot run Apps
	IntakeResumed Act = "intake_resumed"

	Enrolled           Act = "enroll"
	EnrollRefused      Act = "enroll_refused"
	Unenrolled         Act = "unenroll"
	CertificateRenewed Act = "certificate_renewed"

	SettingsChanged Act = "settings_changed"
	LogLevelChanged Act = "log_level_changed"

	KeychainCreated  Act = "keychain_init"
	KeychainChanged  Act = "keychain_change_password"
	KeychainUnlocked Act = "keychain_unlock"
	KeychainRefused  Act = "keychain_refused" // wrong master password
	SealKeyMade      Act = "seal_key_made"

	CertsAdded   Act = "certs_add"
	CertsRemoved Act = "certs_remove"
)

// ofOrders reports whether the act is as frequent as orders are; such acts are not flushed to the
// disk.
func (a Act) ofOrders() bool {
	switch a {
	case OrderAccepted, OrderRefused, OrderDenied, SudoRefused:
		return true
	}
	return false
}
