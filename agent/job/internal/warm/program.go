package warm

// Program says what a template runs.
type Program struct {
	Hook    string   // the folder in which Python finds the fork server as sitecustomize.py
	App     string   // the App's folder
	Version string   // of the App, for people
	Env     []string // all variables of the template: those that no order differs in
	Target  []string // what follows the interpreter, without the arguments of orders
	Modules []Module // to import, in this order
	Own     []string // names of variables that orders differ in
}

// Module is a module of a library that the App bundles.
type Module struct {
	Root string `json:"root"` // the folder by which it is found, absolute
	Name string `json:"name"` // dotted
}

func (p Program) modules() [][2]string {
	list := [][2]string{}
	for _, m := range p.Modules {
		list = append(list, [2]string{m.Root, m.Name})
	}
	return list
}

func (p Program) roots() []string {
	list := []string{}
	seen := map[string]bool{}
	for _, m := range p.Modules {
		if !seen[m.Root] {
			seen[m.Root] = true
			list = append(list, m.Root)
		}
	}
	return list
}
