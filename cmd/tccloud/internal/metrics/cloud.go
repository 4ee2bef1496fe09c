package metrics

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// The cloud's figures: each gateway says the same.
var (
	environmentActive = gauge("tccloud_environment_active", "1 if the Environment is active.", environmentLabel)
	servers           = gauge("tccloud_servers", "Servers by state: connected, away, unknown (the gateway that had it last does not answer), revoked.", environmentLabel, "state")
	serverVersions    = gauge("tccloud_servers_connected", "Connected servers by version; beyond the 20 versions that most have: other.", environmentLabel, "version")
	serverConditions  = gauge("tccloud_servers_condition", "Servers that need attention: unfit and draining take no orders, clock differs by more than a minute, cloned is two hosts with one identity.", environmentLabel, "condition")
	slots             = gauge("tccloud_slots", "Orders that the connected servers can run at the same time.", environmentLabel)
	slotsFree         = gauge("tccloud_slots_free", "Orders that they would take now.", environmentLabel)
	ordersQueued      = gauge("tccloud_orders_queued", "Orders that wait for a server.", environmentLabel)
	ordersRunning     = gauge("tccloud_orders_running", "Orders that a server has and that have not ended.", environmentLabel)
	jobStates         = gauge("tccloud_jobs", "Jobs by state: idle, paused, running, due (and not begun).", environmentLabel, "state")
	jobsLate          = gauge("tccloud_jobs_late", "Jobs that have been due for more than a minute and have not begun.", environmentLabel)
	jobsFailed        = gauge("tccloud_jobs_failed", "Jobs whose last run failed.", environmentLabel)
	serviceStates     = gauge("tccloud_services", "Services by state.", environmentLabel, "state")
	storedBytes       = gauge("tccloud_stored_bytes", "How much is stored, in one copy, by bucket or stream.", "stream")

	ofCloud = []figure{
		environmentActive, servers, serverVersions, serverConditions, slots, slotsFree, ordersQueued, ordersRunning, jobStates, jobsLate, jobsFailed,
		serviceStates, storedBytes,
	}
)

// other stands for what agents say and few do.
const other = "other"

// mostVersions bounds the label version.
const mostVersions = 20

var plainVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$`)

// tally counts by Environment and another label.
type tally map[[2]string]int

func (t tally) to(ch chan<- prometheus.Metric, f figure) {
	for of, n := range t {
		f.to(ch, float64(n), of[0], of[1])
	}
}

// begin has each Environment begin with 0 for each value, so that there is a series before anything
// happens.
func begin(environments []registry.Environment, values ...string) tally {
	t := tally{}
	for _, e := range environments {
		for _, v := range values {
			t[[2]string{e.Name, v}] = 0
		}
	}
	return t
}

func (a *asked) servers(ch chan<- prometheus.Metric) {
	list, away := a.Sessions.Census()
	environments := a.Registry.Environments()
	states := begin(environments, "connected", "away", "unknown", "revoked")
	conditions := begin(environments, "unfit", "draining", "clock", "cloned")
	room, free, versions := map[string]int{}, map[string]int{}, tally{}
	for _, e := range environments {
		room[e.Name], free[e.Name] = 0, 0
	}
	connected, named := map[wire.ServerXID]bool{}, versionsOf(list)
	for _, s := range list {
		if connected[s.XID] { // for a moment, a server that comes back has two sessions
			continue
		}
		connected[s.XID] = true
		room[s.Environment] += s.Executors
		free[s.Environment] += s.Credit
		versions[[2]string{s.Environment, named(s.Version)}]++
		for condition, is := range map[string]bool{
			"unfit": s.Info != nil && s.Info.Unfit != nil, "draining": s.Info != nil && s.Info.Draining, "clock": s.Skew.Abs() > clock.Tolerated,
		} {
			if is {
				conditions[[2]string{s.Environment, condition}]++
			}
		}
	}
	for _, s := range a.Registry.Servers("") {
		state := "unknown"
		switch {
		case s.Revoked != nil:
			state = "revoked"
		case connected[s.XID]:
			state = "connected"
		case away(s.XID):
			state = "away"
		}
		states[[2]string{s.Environment, state}]++
		if s.Twin != nil {
			conditions[[2]string{s.Environment, "cloned"}]++
		}
	}
	states.to(ch, servers)
	conditions.to(ch, serverConditions)
	versions.to(ch, serverVersions)
	for environment, n := range room {
		slots.to(ch, float64(n), environment)
		slotsFree.to(ch, float64(free[environment]), environment)
	}
}

// versionsOf returns what versions are called as labels: agents say what they like.
func versionsOf(list []roster.Session) func(string) string {
	count := map[string]int{}
	for _, s := range list {
		if plainVersion.MatchString(s.Version) {
			count[s.Version]++
		}
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	names = names[:min(len(names), mostVersions)]
	return func(version string) string {
		if slices.Contains(names, version) {
			return version
		}
		return other
	}
}

func (a *asked) orders(ctx context.Context, ch chan<- prometheus.Metric, environments []registry.Environment) {
	for _, e := range environments {
		stats, err := a.Orders.Stats(ctx, e.Name)
		if err != nil {
			ordersQueued.fails(ch, err)
			return
		}
		ordersQueued.to(ch, float64(stats.Queued), e.Name)
		ordersRunning.to(ch, float64(stats.Running), e.Name)
	}
}

func (a *asked) jobs(ctx context.Context, ch chan<- prometheus.Metric) {
	all, err := a.Jobs.Counts(ctx)
	if err != nil {
		jobStates.fails(ch, err)
		return
	}
	for environment, n := range all {
		jobStates.to(ch, float64(n.Idle), environment, "idle")
		jobStates.to(ch, float64(n.Paused), environment, "paused")
		jobStates.to(ch, float64(n.Running), environment, "running")
		jobStates.to(ch, float64(n.Due), environment, "due")
		jobsLate.to(ch, float64(n.Late), environment)
		jobsFailed.to(ch, float64(n.Failed), environment)
	}
}

func (a *asked) services(ctx context.Context, ch chan<- prometheus.Metric) {
	all, err := a.Services.List(ctx)
	if err != nil {
		serviceStates.fails(ch, err)
		return
	}
	states := tally{}
	for _, v := range all {
		for _, p := range services.Phases { // those with none say 0
			states[[2]string{v.Service.Environment, string(p)}] += 0
		}
		states[[2]string{v.Service.Environment, string(v.Phase())}]++
	}
	states.to(ch, serviceStates)
}

func (a *asked) stored(ctx context.Context, ch chan<- prometheus.Metric) {
	if a.Store.Health().Err != nil {
		return // it would not answer, and the gateway's figures say why
	}
	all, err := a.Store.Bytes(ctx)
	if err != nil {
		storedBytes.fails(ch, err)
		return
	}
	for stream, n := range all {
		storedBytes.to(ch, float64(n), stream)
	}
}
