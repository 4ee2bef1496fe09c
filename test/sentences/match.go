package sentences

import "strings"

// least is the length from which on a part of a sentence may tell it from others.
const least = 8

// Missing returns the sentences that nobody causes, each text once.
func (e *Expected) Missing(all []Sentence) (missing []Sentence) {
	first := map[string]Sentence{}
	var texts []string
	for _, s := range all {
		if old, ok := first[s.Text]; !ok {
			first[s.Text] = s
			texts = append(texts, s.Text)
		} else if old.Name == "" {
			first[s.Text] = s
		}
	}
	caused := map[string]bool{}
	for expected := range e.texts {
		var in []string
		for _, t := range texts {
			s := first[t]
			switch {
			case s.wholeIn(expected):
				caused[t] = true
			case len(expected) >= least && s.holds(expected):
				in = append(in, t)
			}
		}
		if len(in) == 1 {
			caused[in[0]] = true
		}
	}
	for _, t := range texts {
		if s := first[t]; !caused[t] && (s.Name == "" || !e.names[s.Name]) {
			missing = append(missing, s)
		}
	}
	return missing
}

// holds reports whether the text is part of the sentence.
func (s Sentence) holds(text string) bool {
	for _, f := range s.fixed {
		if strings.Contains(f, text) {
			return true
		}
	}
	return false
}

// wholeIn reports whether the text has all of the sentence that is fixed, at least its longest part.
func (s Sentence) wholeIn(text string) bool {
	long := ""
	for _, f := range s.fixed {
		if len(f) > len(long) {
			long = f
		}
	}
	return strings.Contains(text, long) || len(s.fixed) == 1 && len(text) >= least && 2*len(text) > len(long) && strings.Contains(long, text)
}
