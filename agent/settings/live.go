package settings

import "reflect"

// Take returns s with the newer values of live settings, and the names of
// those that differ: live ones that were taken, and ones that wait for a restart.
func (s Settings) Take(newer Settings) (next Settings, taken, waiting []string) {
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
		taken = append(taken, row.Name)
	}
	return s, taken, waiting
}

func same(a, b reflect.Value) bool {
	if secret, ok := a.Interface().(Secret); ok {
		return secret.Equal(b.Interface().(Secret))
	}
	return a.Interface() == b.Interface()
}
