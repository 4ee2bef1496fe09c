// Package tcx reads App packages: the manifest install.json, and the .tcx file, a plain ZIP of
// exactly one top folder.
//
// A .tcx comes from the author of an App and is treated as hostile. Unpack looks at the whole
// directory of the archive before it writes a byte, and then writes through os.Root, so that a
// mistake in the first part cannot become a file outside:
//
//	open ─► directory ≤ 24 MiB ─► every entry: name, type, size, ratio ─► sums, duplicates,
//	        one top folder, install.json ─► space on disk ─► write, 0644 or 0755 ─► flush
//
// The top folder is dropped: install.json lies directly in the target. When Unpack returns,
// everything is durable; if it fails, the caller removes the target.
package tcx
