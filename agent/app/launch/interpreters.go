package launch

import (
	"cmp"
	"slices"

	"tcenvsvr/agent/app/fault"
)

// Interpreters returns the programs that run Apps, as far as they are installed: java, and the Pythons,
// that of Apps for 3.11 first. What no App is run with, such as a Python in a usual place where the
// settings name another, is none of them.
func (e Execution) Interpreters() (java string, pythons []string) {
	java, _ = e.javaInterpreter().locate()
	for n, home := range []string{cmp.Or(e.PythonHome311, e.PythonHome), e.PythonHome} {
		i := e.pythonInterpreter()
		i.home = home
		if n > 0 && home == "" {
			break
		}
		if python, err := i.locate(); err == nil && !slices.Contains(pythons, python) {
			pythons = append(pythons, python)
		}
	}
	return java, pythons
}

// Look says why there is no interpreter at home, the value of the setting.
func Look(setting, home string) error {
	i := Execution{}.pythonInterpreter()
	if setting == "appsJavaHome" {
		i = Execution{}.javaInterpreter()
	}
	i.setting, i.home = setting, home
	_, err := i.locate()
	return err
}

func (e Execution) javaInterpreter() interpreter {
	return interpreter{
		name: "Java", code: fault.NoJava, setting: "appsJavaHome", home: e.JavaHome,
		places: javaPlaces, names: javaNames, path: e.Path,
	}
}

func (e Execution) pythonInterpreter() interpreter {
	return interpreter{
		name: "Python", code: fault.NoPython, setting: "appsPythonHome311", home: e.PythonHome311,
		places: pythonPlaces, names: pythonNames, path: e.Path,
	}
}
