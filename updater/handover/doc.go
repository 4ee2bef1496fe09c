// Package handover is the border between the two sides of self-update: everything that the agent,
// as its own user, and the helper, as root, hand to each other, and nothing else. Each side imports
// this package and neither imports the other.
//
//	agent → root   the inbox: metadata, programs, and requests ([RequestApply], [RequestHealthy])
//	root → agent   the status file ([Status]), with the reason of every refusal ([RefusalHints])
//	agent → root   exit code [ExitRestart]: "start me again"
//	both           where all of that is ([Paths])
//
// Root trusts nothing in the inbox, because the agent may be hostile or broken:
//
//   - A request is the existence of a file. Root never reads its content, and removes the file
//     before it acts on the request.
//   - Root opens the inbox below a folder that the agent does not own, and checks that the inbox
//     belongs to the agent's user.
//   - Root opens a file by a name that root made up, never by a name that it found. It follows no
//     link and waits for no pipe.
//   - An open file must be a regular file with one name, must belong to the agent's user, and must
//     have the signed length. Root reads its content from that descriptor only.
//   - Root renames nothing out of the inbox: it copies.
package handover
