package queue

import "testing"

func TestTokenIsInjectiveAndSafe(t *testing.T) {
	seen := map[string]string{}
	for _, env := range []string{"Default", "a b", "a_b", "a_20b", "a.b", "*", ">", "Zürich", "_", "_5F"} {
		tok := Token(env)
		if other, ok := seen[tok]; ok {
			t.Errorf("Token(%q) = Token(%q) = %q", env, other, tok)
		}
		seen[tok] = env
		for _, c := range []byte(tok) {
			if c == '.' || c == '*' || c == '>' || c == ' ' || c > 127 {
				t.Errorf("Token(%q) = %q has a byte that subjects give a meaning", env, tok)
			}
		}
	}
}
