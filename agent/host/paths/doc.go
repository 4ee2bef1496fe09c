// Package paths says where things live on disk. Everything hangs below one
// folder, the home (TCENVSVR_HOME):
//
//	home/                         programs of the package
//	├── certs.d/                  CertsDrop, besides the host's folder in /etc
//	└── .tcenvsvr/        0711   State
//	    ├── settings.yaml 0600   Settings
//	    ├── keystore.p12  0600   Keystore: client certificate and the cloud's CA
//	    ├── control.sock  0600   Control, unless its name is too long (see below)
//	    ├── exchange/     0755
//	    │   ├── programs/ 0755   Programs: unpacked Apps, read-only to the sandbox user
//	    │   └── jobs/     0755   Jobs: one folder a job
//	    ├── certs/    0755   Certs: private CAs, added by command
//	    ├── trust/    0755   Trust: sets of trusted CAs; CloudCA
//	    ├── journal/      0700   Journal: accepted orders and the outbox
//	    └── logs/         0750   Logs, and in it audit.jsonl 0640 Audit
//
// The modes are those of folders that Create makes; a folder that is there
// already keeps its mode and ACLs, because the package may have set them.
// State can be passed through but not listed by others: the sandbox user
// must reach exchange and nothing else.
//
// A Unix socket's name holds about a hundred bytes. Where the home is too
// deep for that, Control moves to a folder in the system's temporary folder
// that is named by a digest of the home, so that agent and command line, who
// may be different users, find the same one.
package paths
