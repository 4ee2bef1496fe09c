// Package plan has the findings that a step of the host's setup consists of: what is not as it
// should be, and what puts it right. A step only looks and returns findings; its caller
// decides whether they are printed or done. So a check, a dry run and the real run cannot disagree.
package plan
