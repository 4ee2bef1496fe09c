// Package exchange holds the bodies of requests to services and of their answers, while the requests
// are under way. The App reads and writes them as values of a key-value context, as it does Playbook
// variables. They are nobody's to keep: they stay in the memory of the gateway to which the caller is
// connected, whose name is part of the context, and an App that is connected to another gateway gets
// them through that one.
package exchange
