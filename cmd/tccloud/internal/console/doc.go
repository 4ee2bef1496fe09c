// Package console is the cloud's web console: what an administrator sees and does in a browser.
//
//	browser ─► secured: headers ─► origin: no foreign forms ─► session ─► page or action
//	                                                                        │ client
//	           live: WebSocket, or a poll ◄─ hub ◄──────────────────────────┤
//	                                            admin API, in this process ◄┘  as the signed-in user
//
// The console has no logic and no rights of its own: it asks the admin API, in this process, with
// the user in the request's context, and shows the answer. What a role may do is decided there.
//
// Pages are made on the server and work without a script: links and forms. Scripts keep rows up to
// date, show local times and filter; they write text, never markup (the browser enforces it: trusted
// types, no inline script or style, nothing from another host).
//
// # Adding a page
//
// Write page_NAME.go with its load, which asks q.cloud and returns a struct that holds what the page
// shows, and pages/NAME.html with {{define "main"}}, which gets a view: .Data is the struct, .May
// tells what the user's role allows, .Form what was filled in. Add a row to pages in pages.go, and
// one to navigation where it begins a part. A form posts to a path of its own, with a row in
// actions: its function does one thing and returns the sentence that the next page shows, or the
// error, with which the page that had the form is shown again. A secret that it made goes into once,
// never into the sentence: sentences are kept in the session. What is no page, a file or a stream, has
// a row in answers. For rows that change while one looks, give the things a kind in kinds, whose
// function returns texts by field, make the page follow it, and mark elements data-key, data-field and
// data-bar; a list has {{define "row"}}, which its lines and its <template data-row> are made of
// (assets/live.js).
//
// A page that is a form returns a formPage: package form has its fields, pages/form.html shows it (html:
// "form" in its row), and its action makes the same form again, which reads what was sent. Use
// form_settings.go and form_app.go for what other forms ask for as well. Seen keeps the form from being
// sent over what somebody else changed while it was open.
//
// Styles are those in assets/style.css: head, tiles, facts, scroll with a table, note, dialog; a page
// adds none. Parts that pages share are in pages/_parts.html: crumbs, empty, and confirm, which asks
// before something is done. Add paths of the page to everyPage in console_test.go, and what it shows to
// the API of rig_test.go: all checks, in the browser as well, go through that list.
package console
