package launch

import "golang.org/x/sys/windows"

// usualPath is the PATH of Apps, behind the folder of their interpreter.
var usualPath = func() []string {
	root := windowsFolder()
	return []string{root + `\System32`, root}
}()

// upperCaseToo: environment names are not case-sensitive.
const upperCaseToo = false

// Places of the interpreters below a folder that a setting names, and their names in a PATH folder.
var (
	pythonPlaces = []string{"python.exe", `bin\python.exe`}
	pythonNames  = []string{"python.exe", "python3.exe"}
	javaPlaces   = []string{`bin\java.exe`, "java.exe"}
	javaNames    = []string{"java.exe"}
)

// systemEnv is what the operating system itself needs.
func systemEnv(tmp string) []string {
	return []string{"SystemRoot=" + windowsFolder(), "TEMP=" + tmp, "TMP=" + tmp, "USERPROFILE=" + tmp}
}

func windowsFolder() string {
	if dir, err := windows.GetSystemWindowsDirectory(); err == nil {
		return dir
	}
	return `C:\Windows`
}
