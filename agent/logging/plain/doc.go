// Package plain makes foreign text harmless: what Apps, servers, proxies, certificates and files
// say is shown to people and kept in logs, and must neither steer a terminal nor fake a line.
//
//	Name       one word of a foreigner: a file, a host, the owner of a certificate
//	Line       one line: line breaks and tabs become spaces
//	Page       what an HTTP answer says, without what it has for browsers
//	Text       lines and tabs stay as they are
//	Writer     Text for a stream, e.g. the output of a child process
//	Head       at most n bytes from the beginning, and "…" where more followed
//	Tail       at most n bytes from the end
//	TailRunes  at most n characters from the end
//	WithoutURL an HTTP client's error without the address, which is often a secret
//
// What is taken away leaves a "?", so that nobody overlooks it: control characters, characters that
// are not seen (they change the direction of text, or hide in it), Unicode's own line and paragraph
// separators, and bytes that are no UTF-8. The joiners that emoji and Persian need stay.
package plain
