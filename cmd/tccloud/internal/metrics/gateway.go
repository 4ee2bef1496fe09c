package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"tcenvsvr/cmd/tccloud/internal/health"
)

// The gateway's own figures.
var (
	sessionsOpened  = counter(own+"sessions_opened_total", "Sessions of agents that this gateway opened.")
	gateways        = gauge(own+"gateways", "Gateways that this one hears, itself included.")
	auditRefusals   = counter(own+"audit_refusals_total", "Requests and sign-ins that this gateway refused: token or password wrong, role too low.")
	checks          = gauge(own+"health", "What this gateway finds by looking: 0 ok, 1 warning, 2 nothing new is taken, 3 nothing can be stored.", "check")
	storeWritable   = gauge(own+"store_writable", "1 if the store took a durable write a moment ago.")
	natsReconnects  = counter(own+"nats_reconnects_total", "How often the connection to NATS was made again.")
	natsIn          = counter(own+"nats_received_bytes_total", "Bytes from NATS.")
	natsOut         = counter(own+"nats_sent_bytes_total", "Bytes to NATS.")
	diskSize        = gauge(own+"disk_size_bytes", "The disk of the data folder.")
	diskFree        = gauge(own+"disk_free_bytes", "What is free on it.")
	diskReserve     = gauge(own+"disk_reserve_bytes", "With less than that free, nothing new is taken.")
	certificateEnds = gauge(own+"certificate_expiry_timestamp_seconds", "When a certificate ends: server is what the ports show, ca is that of the servers' certificates.", "certificate")

	ofGateway = []figure{
		sessionsOpened, gateways, auditRefusals, checks, storeWritable, natsReconnects, natsIn, natsOut, diskSize, diskFree, diskReserve, certificateEnds,
	}
)

var ranks = []health.State{health.OK, health.Warning, health.NoIntake, health.Failed}

func (a *asked) gateway(ch chan<- prometheus.Metric) {
	sessionsOpened.to(ch, float64(a.Sessions.Opened()))
	gateways.to(ch, float64(a.Orders.Gateways()))
	auditRefusals.to(ch, float64(a.Audit.Refusals()))
	for _, c := range a.Health.Report().Checks {
		checks.to(ch, float64(slices.Index(ranks, c.State)), c.Name)
	}
	storeWritable.to(ch, truth(a.Store.Health().Err == nil))
	n := a.Store.Conn().Stats()
	natsReconnects.to(ch, float64(n.Reconnects))
	natsIn.to(ch, float64(n.InBytes))
	natsOut.to(ch, float64(n.OutBytes))
	if room, err := a.Room(); err == nil && room.Total > 0 {
		diskSize.to(ch, float64(room.Total))
		diskFree.to(ch, float64(room.Free))
		diskReserve.to(ch, float64(room.Reserve()))
	}
	certificateEnds.to(ch, float64(a.Server().NotAfter.Unix()), "server")
	certificateEnds.to(ch, float64(a.CA().NotAfter.Unix()), "ca")
}
