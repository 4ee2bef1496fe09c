package launch

import "tcenvsvr/agent/app/fault"

// Interpreters returns the programs that run Apps, as far as they are installed: java, and the
// Pythons.
func (e Execution) Interpreters() (java string, pythons []string) {
	java, _ = e.javaInterpreter().locate()
	for _, home := range []string{e.PythonHome311, e.PythonHome} {
		i := e.pythonInterpreter()
		i.home = home
		if python, err := i.locate(); err == nil {
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
