// Package policy decides which Apps and orders the customer accepts on an Environment Server,
// whatever the cloud says. The customer writes a file that only root can change:
//
//	# /etc/threatconnect-envsvr/policy.yaml
//	version: 1
//
//	publishers:                       # who signs Apps: "tccloud app sign", or "minisign -S"
//	  acme:
//	    - key: RWSFolMZ1KR8sAoVG4wQm2yMEJNrs5HF1Cbbat3kTsLhI5CQpKOKF3Gj
//	      not-after: 2027-01-31       # the old key; until then both are good
//	    - key: RWQMbTKWGfKvsMrcW7ip0SdgAwdPkfsB1ajwKBxz90TUXPG0ZUxERO3A
//
//	signers:                          # who signs orders; never with a publisher's key
//	  soc:
//	    - key: RWS7kA19QUnyZQCK/FfgF6Z9n+be4eBoiBB03SMJkYlyaIkNDhbpCucv
//
//	orders:
//	  signed: required                # or optional, which is the default
//	  signers: [soc]                  # all of the above if left out
//	  sealed-parameters: required     # encrypted parameters never in clear; or optional
//	  max-timeout: 4h                 # of every order
//
//	rules:                            # the first that matches decides; none: denied
//	  - deny: Vault before 2.1        # the rule's name: it stands in results and in the audit log
//	    apps: TCPB_-_Vault
//	    versions: <2.1
//	  - allow: our own Apps
//	    apps: [ACME_*, TCPB_-_Vault]
//	    publishers: acme
//	    runtimes: [job, playbook]
//	    max-timeout: 30m
//	  - allow: Ping, this very file
//	    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
// A rule matches if each line in it does, and a line if one of its values does.
//
//	apps        the package's top folder without _v…; * is any text, ? one character, a space is _
//	versions    the App's programVersion, 1.0.2, or a range, ">=1.2 <2.0"
//	sha256      of the .tcx file
//	publishers  whose key signed the .tcx file; only where a rule allows: to get past a
//	            deny it would be enough to leave the signature out
//	runtimes    job (runtimeLevel Organization), playbook, service
//
// max-timeout limits what a rule allows, it does not choose the rule: a longer order is denied by
// it. A version that cannot be compared is in no range where a rule allows, and in every range
// where one denies. Names and versions are the cloud's word, unless a publisher or a SHA-256 stands
// beside them: [Policy.Advice] says where.
//
//	 before each order
//	        │
//	        ▼              is it safe?      the same bytes?      strict YAML
//	File.Policy ─► Lstat ─► root's alone ─► read ────────────► Parse ─► Policy.Decide ─► Decision
//	        │         │          no │          │ yes: as before   no │
//	        │ no file └► error ─────┴──────────┼─────────────────────┴─► denies everything, says why
//	        ▼                                  ▼
//	 allows everything                 Policy.Decide
//
// The rules are asked again while a service runs (Policy.DecideRunning), which may be for months.
//
// The file, and each folder on the way to it, belongs to root and nobody else can write it; none of
// them is a symbolic link (on macOS /etc is one: write /private/etc). The bytes are compared each
// time, so no clock and no file system's resolution of times decides whether a change is seen;
// reading some kilobytes takes microseconds. Replace the file with "install -m 644" or with mv; one
// that is being written is waited for. A policy that was good before is never used in the place of one that is not.
//
// The agent asks the policy, so a policy keeps off the cloud and what comes through it, not somebody
// who runs code as the agent's user: that one need not ask. What such a one cannot do is change the
// file, or what the agent goes by after its next start. README.md says it in a table.
//
// The owner of a file is checked on Unix only (package rootfile). Elsewhere a policy that is there
// is an error that wraps [errors.ErrUnsupported], so everything is denied; no file allows
// everything, as on Unix.
package policy
