package metrics

import (
	dto "github.com/prometheus/client_model/go"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// environmentLabel names the Environment that a figure is of.
const environmentLabel = "environment"

// scope returns what a principal sees, of Environments that are there, and the names of those that are
// not. What has no Environment is hidden from who is limited to some.
func scope(all []*dto.MetricFamily, p access.Principal, there map[string]bool) (visible []*dto.MetricFamily, gone []string) {
	absent := map[string]bool{}
	for _, family := range all {
		kept := family.Metric[:0]
		for _, m := range family.Metric {
			environment, has := environmentOf(m)
			switch {
			case has && !there[environment]:
				absent[environment] = true
			case has && p.Sees(environment), !has && !p.Limited():
				kept = append(kept, m)
			}
		}
		if family.Metric = kept; len(kept) > 0 {
			visible = append(visible, family)
		}
	}
	for environment := range absent {
		gone = append(gone, environment)
	}
	return visible, gone
}

func environmentOf(m *dto.Metric) (string, bool) {
	for _, l := range m.Label {
		if l.GetName() == environmentLabel {
			return l.GetValue(), true
		}
	}
	return "", false
}
