package memory

import (
	"slices"
	"testing"
)

func TestUntouched(t *testing.T) {
	const zero, some = "Size: 4 kB\nAnonymous:             0 kB\nVmFlags: rd ex mr mw me sd\n", "Size: 4 kB\nAnonymous:             4 kB\n"
	smaps := "00400000-006b3000 r-xp 00000000 fe:00 12345                              /usr/bin/tcenvsvr\n" + zero +
		"006b3000-0098a000 r--p 002b3000 fe:00 12345                              /usr/bin/tcenvsvr (deleted)\n" + zero +
		"0098a000-009c1000 rw-p 0058a000 fe:00 12345                              /usr/bin/tcenvsvr\n" + zero +
		"0198a000-019c1000 r--p 0058a000 fe:00 12345                              /usr/lib/relocated.so\n" + some +
		"7f0000000000-7f0000100000 r--s 00000000 fe:00 12346                      /usr/share/shared\n" + zero +
		"009c1000-00a05000 r--p 00000000 00:00 0 \n" + zero +
		"7ffd0e5d1000-7ffd0e5d3000 r-xp 00000000 00:00 0                          [vdso]\n" + zero +
		"nonsense r-xp 0 0 0 /x\n" + zero + "\n"
	want := []region{{0x400000, 0x6b3000}, {0x6b3000, 0x98a000}}
	if got := untouched([]byte(smaps)); !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestTrim: a program that has trimmed itself still runs, all of it.
func TestTrim(t *testing.T) {
	for range 10 {
		Trim()
	}
	t.Run("again", TestUntouched)
}
