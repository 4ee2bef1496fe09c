package launch

import (
	"crypto/x509"
	"encoding/pem"
	"strconv"

	"tcenvsvr/agent/job"
	"tcenvsvr/certs/keystore"
)

// Service is what the App of a service is told of itself.
type Service struct {
	job.Service
	Broker job.Broker
}

// heartbeatTimeout is how long the App waits for a heartbeat of its shim before it ends, in seconds.
const heartbeatTimeout = "20"

// serviceParams adds where and how the App connects to its broker, and how it reads and writes the bodies
// of requests. The broker's CA is for it alone: neither does the App trust it for anything else, nor
// anything else for the broker.
func (b *builder) serviceParams(p map[string]string) {
	b.keyValueParams(p)
	s := b.execution.Service
	said, listens := s.Topics()
	for name, value := range map[string]string{
		"tc_svc_id":                   strconv.FormatInt(s.ID, 10),
		"tc_svc_broker_host":          s.Broker.Host,
		"tc_svc_broker_port":          strconv.Itoa(s.Broker.Port),
		"tc_svc_broker_token":         s.Broker.Token,
		"tc_svc_broker_service":       "mqtt",
		"tc_svc_broker_timeout":       "60",
		"tc_svc_broker_conn_timeout":  "60",
		"tc_svc_broker_cacert_file":   b.file(".tc_svc_ca.pem", s.Broker.CA),
		"tc_svc_client_topic":         said,
		"tc_svc_server_topic":         listens,
		"tc_svc_hb_timeout_seconds":   heartbeatTimeout,
		"tc_playbook_kvstore_context": "", // each request and event has its own
	} {
		p[name] = value
	}
	if b.manifest.Language == "java" {
		if block, _ := pem.Decode(s.Broker.CA); block != nil {
			ca := []*x509.Certificate{{Raw: block.Bytes}}
			p["tc_svc_broker_jks_file"] = b.file(".tc_svc_ca.jks", keystore.JKS(ca))
			p["tc_svc_broker_jks_pwd"] = keystore.Password
		}
	}
}
