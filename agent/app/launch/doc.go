// Package launch turns an installed App and an order's Execution into the command that runs it, as
// the public App contract demands.
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
//	fileParams     AES-CBC file, named by TC_APP_PARAM_FILE, opened by TC_APP_PARAM_KEY; it is
//	               in the App's own memory where it has any (isolation "files" and "full")
//	secureParams   --tc_* arguments; the App asks the API for its own,
//	               unless the order binds them ([Execution].Bound)
//	neither        --name value arguments (Java: -Dname=value)
//
// Parameters that were signed or sealed by the submitter are bound: what the cloud's API would
// answer is neither signed nor opened, so the App gets arguments.
//
// The file always exists: an App that understands it finds all parameters there.
//
// No secret is ever in the argv of a process, which every user of the host can read. Where the
// contract wants arguments, Python is started on launcher.py, which takes sys.argv from a file and
// then runs the App as Python itself would; Java expands an @file of options by itself. (An App
// that starts children with its own sys.argv, as the oldest framework's __main__.py does, exposes
// them itself; nothing outside of the App can prevent that.) The shim writes all these files as the
// sandbox user, with mode 0600, and removes them when the App has ended.
package launch
