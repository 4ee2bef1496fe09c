package plain

import (
	"errors"
	"net/url"
)

// WithoutURL returns what an HTTP client's error is about without the URL that the client quotes:
// the path or query of a link, of a webhook, or of where a redirect leads, often is a secret. Other
// errors are returned as they are.
func WithoutURL(err error) error {
	if quoted, ok := errors.AsType[*url.Error](err); ok {
		return quoted.Err
	}
	return err
}
