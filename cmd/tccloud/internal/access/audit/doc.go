// Package audit keeps who did what in the cloud, and who was refused: a stream in the store, which any
// number of gateways write to. It holds no bodies, no passwords and no tokens.
//
// An action that changes who may do what is on disk before its answer is sent ([Log.Record]). Orders
// come by the thousand: theirs are collected and written together a moment later ([Log.Later]), so that
// a power cut may take the last second of them; the orders themselves it does not take. So do refusals,
// of which only so many a minute are written by each gateway: what is left out is counted.
//
// Entries live for a year ([Life]), or until all have more bytes than the store gives them.
package audit
