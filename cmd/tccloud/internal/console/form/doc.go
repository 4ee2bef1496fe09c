// Package form has the forms of the console as data: groups of fields, what is filled in, and what is
// wrong with it.
//
//	install.json ──Params──► Fields ─┐
//	what a page asks for ────────────┴► Form ──Read what was sent──► values, parameters, problems
//
// A page makes a Form with what there is, and the action of the page makes the same one again and reads
// into it what was sent. Where something is wrong, the form is shown as it was filled in, and each field
// says what is wrong with it; secrets are to be filled in again. One template (pages/_form.html) shows
// all of them.
package form
