package order

// Codes of a result that this package gives. All others are those of package job and of package
// app/fault. They are an interface: people search and alert by them.
const (
	codeAPIRefused        = "api.refused"
	codeOutcomeUnreadable = "app.outcome_unreadable"
	codeOutOfMemory       = "app.out_of_memory"
	codeStartFailed       = "job.start_failed"
	codeSupervisorLost    = "job.supervisor_lost"
	codeNotPrepared       = "order.not_prepared"
	codeServiceEnded      = "service.ended"
	codeServiceSilent     = "service.silent"
	codeTooLate           = "order.start_too_late"
)

// Hints say of each code that this package gives to a result what it means and what to try, for
// help.
var Hints = map[string]string{
	codeAPIRefused:        "the cloud's API refused what the order needs, e.g. its parameters; the message has its words",
	codeOutcomeUnreadable: "the App ended, and files that it left (results, message) cannot be read: links, devices or folders stand in their place",
	codeOutOfMemory:       "the kernel ended the App because it took more memory than it may, or the host had none left: raise appsMemoryMegabytes or the order's limit, or run fewer Apps at once; the message says which limit",
	codeStartFailed:       "the App was not started; the message begins with the reason, a code of this list",
	codeSupervisorLost:    "the job's supervisor was killed, or the host restarted: what became of the App is not known",
	codeNotPrepared:       "something else kept the App from being started; the message says what",
	codeServiceEnded:      "the App of a service ended by itself, which is a failure whatever its exit code: its message and its log say why",
	codeServiceSilent:     "the App of a service did not answer three heartbeats, or was not ready within three minutes, and was ended: see its log",
	codeTooLate:           "the order's time to start had passed: the server was away, or all its slots were taken",
}
