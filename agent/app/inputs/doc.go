// Package inputs is what a person gives an App besides its package: parameters and Playbook
// variables. `tccloud run` and `tcenvsvr app run` have the same flags, and cloud and agent refuse
// the same mistakes.
//
//	--param --param-file --kv --kv-file ──Read──► Values ──App.Complete──► Inputs of an execution
//
// Errors name parameters, variables and files, and never quote a value: it may be a secret.
package inputs
