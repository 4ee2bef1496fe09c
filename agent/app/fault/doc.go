// Package fault names what can be wrong with an App, or with the host that should run it. A code is
// an API: the cloud stores it with the result of an order, and people search for it, so it never
// changes its meaning. The failures of connections have names of their own, in package
// agent/link/fault.
//
//	package   app.bad_zip app.top_folders app.no_install_json app.bad_manifest
//	          app.unsafe_path app.link app.duplicate app.bomb app.too_large
//	download  app.download app.truncated app.size_mismatch app.sha256_mismatch
//	host      app.no_space app.store app.no_python app.no_java app.no_trust
//	launch    app.unsupported app.bad_param
package fault
