//go:build unix

package launch

// usualPath is the PATH of Apps, behind the folder of their interpreter, and where interpreters are
// looked for first.
var usualPath = []string{"/usr/local/bin", "/usr/bin", "/bin"}

// upperCaseToo: environment names are case-sensitive and libraries disagree.
const upperCaseToo = true

// Places of the interpreters below a folder that a setting names, and their names in a PATH folder.
var (
	pythonPlaces = []string{"bin/python3.11", "bin/python3", "bin/python", "python3.11", "python3", "python"}
	pythonNames  = []string{"python3.11", "python3", "python"}
	javaPlaces   = []string{"bin/java", "java"}
	javaNames    = []string{"java"}
)

// systemEnv is what the operating system itself needs.
func systemEnv(string) []string { return nil }
