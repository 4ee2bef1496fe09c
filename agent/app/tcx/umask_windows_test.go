package tcx

const umaskKnown = false // no mode bits

func umask(int) func() { return func() {} }
