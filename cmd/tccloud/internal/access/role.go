package access

import "fmt"

// Role is what somebody may do. Each role may do what the one before may.
type Role string

// The roles.
const (
	Viewer        Role = "viewer"        // reads
	Operator      Role = "operator"      // runs, cancels, uploads
	Administrator Role = "administrator" // Environments, bundles, releases, users, tokens
)

// Roles are all of them, the least first.
var Roles = []Role{Viewer, Operator, Administrator}

// rank is how much a role may do, 0 for what is none.
func (r Role) rank() int {
	for i, known := range Roles {
		if r == known {
			return i + 1
		}
	}
	return 0
}

// Allows reports whether the role may do what needs another one. What is no role allows nothing, and
// nothing is allowed that needs no role.
func (r Role) Allows(need Role) bool { return need.rank() > 0 && r.rank() >= need.rank() }

// Check returns an error wrapping ErrInvalid for what is no role.
func (r Role) Check() error {
	if r.rank() == 0 {
		return invalid("role %.40q: want viewer, operator or administrator", string(r))
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}
