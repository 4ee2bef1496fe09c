// Package paths says where the agent's files are. All of them are below one folder, the home
// (TCENVSVR_HOME):
//
//	home/                         programs of the package
//	├── certs.d/                  CertsDrop, besides the host's folder in /etc
//	└── .tcenvsvr/        0711   State
//	    ├── settings.yaml 0600   Settings
//	    ├── keystore.p12  0600   Keystore: client certificate and the cloud's CA
//	    ├── brokers.json  0600   Brokers: that the cloud named in a session
//	    ├── sealing-keys  0600   SealKeys: open sealed parameters; sealed by the keychain
//	    ├── control.sock  0600   Control, unless its name is too long (see below)
//	    ├── exchange/     0755
//	    │   ├── programs/ 0755   Programs: unpacked Apps, read-only to the sandbox user
//	    │   └── jobs/     0755   Jobs: one folder a job
//	    ├── certs/        0755   Certs: private CAs, added by command
//	    ├── trust/        0755   Trust: sets of trusted CAs; CloudCA
//	    ├── journal/      0700   Journal: accepted orders and the outbox
//	    └── logs/         0750   Logs, and in it audit.jsonl 0640 Audit
//
// Besides, Policy is the host's: /etc/threatconnect-envsvr/policy.yaml, which root alone writes.
//
// The modes are those of folders that [Paths.Create] makes. A folder that exists already keeps its
// mode and ACLs: the package may have set them. Other users can pass through State and cannot list
// it: the sandbox user must reach exchange and nothing else.
//
// The name of a Unix socket has at most about a hundred bytes. Where the home is too deep for that,
// Control is in a folder in the system's temporary folder, which is named by a digest of the home.
// So agent and command line find the same socket, also as different users.
package paths
