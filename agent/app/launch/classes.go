package launch

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
)

// Classes says what the JVM of a Java App does with classes beside loading them from jars.
type Classes struct {
	// Archive is a class-data archive that was made of exactly this App for exactly this JDK, "" if
	// there is none: the JVM maps it and believes it.
	Archive string
	// List has the JVM write the names of the classes that it loads into [ClassList].
	List bool
}

// ClassList is where an App's JVM leaves the names of its classes, below the job's folder. The App
// could have written it.
const ClassList = "in/.tc_classes"

// Most memory of a slot, in bytes, for which machineOptions chooses the collector.
const smallSlot = 4 << 30

// machineOptions suit Apps, which are short programs that run beside each other. An App brings no
// options of its own: neither install.json nor the App's environment has any, so nothing is
// overruled. Measured with JDK 17, milliseconds of processor time of a whole run of an App with two
// JSON libraries and an HTTP client (BenchmarkRun of package archive), and of a program that parses
// JSON for seconds:
//
//	                        short run    with an archive    long run, memory
//	as the JVM comes             1011                586    5,500     523 MB
//	SerialGC                        –                593    5,500     171 MB
//	and C2 ten times later        698                458    4,600     161 MB
//	and C1 only                     –                417    7,000     149 MB
//
// UseSerialGC: the other collectors start threads for each processor of the host and let the heap
// grow. Where a slot has more memory than smallSlot, its App may need them, and the JVM decides.
//
// Tier4…: the second compiler (C2) takes a third of a short run's time for code that is not run
// again; ten times the usual number of calls delays it beyond the end of such runs. To do without it
// (C1 only) would save a tenth more, but long runs would take half as long again and might time out.
//
// IgnoreUnrecognizedVMOptions: a JVM that lacks one of these starts nevertheless.
func machineOptions(memory uint64) []string {
	options := []string{
		"-XX:+IgnoreUnrecognizedVMOptions",
		"-XX:Tier4InvocationThreshold=50000", "-XX:Tier4MinInvocationThreshold=6000",
		"-XX:Tier4CompileThreshold=150000", "-XX:Tier4BackEdgeThreshold=400000",
	}
	if memory <= smallSlot {
		options = append(options, "-XX:+UseSerialGC")
	}
	return options
}

// classOptions are those of Classes. An archive that does not fit is passed over in silence; the
// check of its sums, 7 ms for 30 MB, keeps the JVM from crashing on a damaged one.
func (b *builder) classOptions() []string {
	var options []string
	if b.execution.Classes.Archive != "" {
		options = append(options, "-XX:SharedArchiveFile="+b.execution.Classes.Archive, "-XX:+VerifySharedSpaces", "-Xlog:cds*=off")
	}
	if b.execution.Classes.List {
		options = append(options, "-XX:DumpLoadedClassList="+filepath.Join(b.execution.JobDir, filepath.FromSlash(ClassList)))
	}
	return options
}

// Java returns the interpreter that runs a Java App, and the class path that it gets; ok is false for
// an App that is not Java's, or that cannot be started.
func (e Execution) Java(dir string, m tcx.Manifest) (java, classes string, ok bool) {
	if m.Language != "java" {
		return "", "", false
	}
	java, err := e.javaInterpreter().locate()
	if err != nil {
		return "", "", false
	}
	classes, err = classpath(dir, m)
	return java, classes, err == nil
}

// ClassDump returns the launch of a JVM that makes a class-data archive of the App in dir, with the
// classes that are named in list, one on each line. It loads these classes and runs nothing of them:
// no main, no initializer. The archive becomes the file archive in the job's folder out.
func (e Execution) ClassDump(dir string, m tcx.Manifest, list []byte, archive string) (job.Launch, error) {
	java, classes, ok := e.Java(dir, m)
	if !ok {
		return job.Launch{}, errors.New("there is no JDK for it")
	}
	b := &builder{execution: e, in: filepath.Join(e.JobDir, "in"), tmp: filepath.Join(e.JobDir, "tmp")}
	argv := []string{
		java, "-Xshare:dump", "-Xlog:disable", "-Xlog:all=error:stderr",
		"-XX:SharedClassListFile=" + b.file("classes", list),
		"-XX:SharedArchiveFile=" + filepath.Join(e.JobDir, "out", archive),
		// Without a heap in it: an archive of G1 is 2 MB larger and starts no faster.
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
		"-XX:ErrorFile=" + filepath.Join(b.tmp, "error.log"), "-Djava.io.tmpdir=" + b.tmp,
		"-cp", classes,
	}
	world := e.Isolation
	if world.On() {
		world.Show = append(slices.Clip(world.Show), dir)
		world = b.sees(world, java)
	}
	return job.Launch{
		ID: e.Session, Dir: e.JobDir, WorkDir: dir, Argv: argv,
		Env:   append(systemEnv(b.tmp), "LANG=C.UTF-8", "HOME="+b.tmp, "TMPDIR="+b.tmp),
		Files: b.files, Timeout: e.Timeout, Grace: e.Grace, MaxOutput: e.MaxOutput, Limits: e.Limits,
		Isolation: world,
	}, nil
}

// Mappable reports whether a path can be that of an archive: the JVM takes a colon for the beginning
// of a second one.
func Mappable(path string) bool { return !strings.ContainsAny(path, ":;%") }
