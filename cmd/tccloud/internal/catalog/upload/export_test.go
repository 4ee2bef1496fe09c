package upload

// MaxTotal is for tests of its limit.
const MaxTotal = maxTotal

// Part is the path of a partial file.
func (s *Store) Part(f File) string { return s.part(f) }
