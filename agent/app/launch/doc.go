// Package launch turns an installed App and an order's Execution into the
// command that runs it, as the public App contract demands.
//
//	install.json ─► language ─► recipe ─► argv, environment, files ─► job.Launch
//	                               │
//	  python, X.py               python X.py           ┐ cwd = the App's folder;
//	  python, X and __main__.py  python . X            │ TcEx finds its libraries by it
//	  python, X                  python X.py           ┘
//	  java                       java -cp <jars> [options] <class>
//
// Parameters go by the first of these that install.json declares:
//
//	fileParams     AES-CBC file, named by TC_APP_PARAM_FILE, opened by TC_APP_PARAM_KEY
//	secureParams   --tc_* arguments; the App asks the API for its own
//	neither        --name value arguments (Java: -Dname=value)
//
// The file is there in every case: an App that understands it finds all in it.
//
// No secret is ever in the argv of a process, which every user of the host can
// read. Where the contract wants arguments, Python is started on launcher.py, which
// takes sys.argv from a file and then runs the App as Python itself would; Java expands
// an @file of options by itself. (An App that starts children with its own sys.argv, as
// the oldest framework's __main__.py does, shows them by itself: nothing outside of it can help that.)
// All these files are written by the shim as the sandbox user, mode 0600, and go when the App has ended.
package launch
