package proc

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// TestEndlessEnvironment: a process may say that all of its memory is its environment.
func TestEndlessEnvironment(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(python, "-c", `
import ctypes, mmap, os, struct, sys
size = 1 << 28
m = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
stat = open("/proc/self/stat").read().rsplit(")", 1)[1].split()
code, end, stack = int(stat[23]), int(stat[24]), int(stat[25])
data, end_data, brk, args, args_end = (int(stat[n]) for n in (42, 43, 44, 45, 46))
libc = ctypes.CDLL(None, use_errno=True)
libc.sbrk.restype = ctypes.c_void_p
maps = struct.pack("=11Q", code, end, data, end_data, brk, libc.sbrk(0), stack, args, args_end, at, at + size) + struct.pack("=QII", 0, 0, 2**32 - 1)
buf = ctypes.create_string_buffer(maps, len(maps))
if libc.prctl(35, 14, ctypes.byref(buf), ctypes.c_ulong(len(maps)), 0) != 0:
    print("no", os.strerror(ctypes.get_errno()), flush=True)
else:
    print("ok", flush=True)
sys.stdin.read()
`)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}()
	word := make([]byte, 2)
	if _, err := io.ReadFull(stdout, word); err != nil || string(word) != "ok" {
		rest, _ := io.ReadAll(io.LimitReader(stdout, 100))
		t.Skipf("%s%s, %v", word, rest, err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if Mentions(cmd.Process.Pid, "/job") {
		t.Error("there is nothing in it")
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("it takes %d bytes", took)
	}
}
