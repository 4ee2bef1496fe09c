package settings

import "reflect"

// ApplyLive returns s with the values of newer for live settings. applied names the live settings
// that differ, waiting the others that differ and need a restart.
func (s Settings) ApplyLive(newer Settings) (next Settings, applied, waiting []string) {
	from, to := reflect.ValueOf(newer), reflect.ValueOf(&s).Elem()
	for i, row := range All { // fields stand in the order of the table
		if same(from.Field(i), to.Field(i)) {
			continue
		}
		if !row.Live {
			waiting = append(waiting, row.Name)
			continue
		}
		to.Field(i).Set(from.Field(i))
		applied = append(applied, row.Name)
	}
	return s, applied, waiting
}

func same(a, b reflect.Value) bool {
	if secret, ok := a.Interface().(Secret); ok {
		return secret.Equal(b.Interface().(Secret))
	}
	return a.Interface() == b.Interface()
}
