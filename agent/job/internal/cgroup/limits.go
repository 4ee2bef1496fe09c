package cgroup

// Limits of all processes of one App together; 0 = none of its own. What the kernel does not have
// (a controller that was not delegated) is not limited: see [Group.Controllers].
type Limits struct {
	Memory    uint64 // bytes, of which none are swapped out
	Tasks     uint64 // processes and threads
	CPUWeight uint64 // 1–10000, against other groups when all want the CPU; 100 is usual
}
