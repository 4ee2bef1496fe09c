package order

import (
	"context"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
)

const (
	// uploadTimeout bounds how long a result waits for the upload of its files.
	uploadTimeout = 10 * time.Minute
	// maxFileError bounds the text about one file in bytes: a result with all of them fits into a
	// frame.
	maxFileError = 200
)

// upload sends the files that the App published to the cloud. What was not sent is in the result
// with the reason.
func (o *Order) upload(ctx context.Context) []wire.File {
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	ctx, stop := o.ending.within(ctx, isFenced) // then nobody wants the files
	defer stop()
	var published []app.PublishedFile
	err := o.patiently(ctx, func() (err error) {
		published, err = app.Published(o.dir(), o.manifest())
		for _, p := range published {
			if err == nil && fitness.Code(p.Err) == fitness.NoFiles {
				return p.Err
			}
		}
		return err
	})
	var files []wire.File
	if err != nil {
		o.c.Logger.Warn("not all published files are delivered", "order", o.ref.String(), "err", err)
		files = append(files, wire.File{Name: "*", Error: err.Error()})
	}
	if len(published) > 0 { // the result is journaled only after that
		if err := job.KeepExit(o.dir()); err != nil {
			o.c.Logger.Debug("the end of a job is durable only with its result", "order", o.ref.String(), "err", err)
		}
	}
	for _, p := range published {
		file := wire.File{Name: p.Name, Size: p.Size}
		if p.Err != nil {
			file.Error = plain.Tail(p.Err.Error(), maxFileError)
			o.c.Logger.Warn("published file is not delivered", "order", o.ref.String(), "file", p.Name, "err", p.Err)
		} else {
			err := o.patiently(ctx, func() (err error) {
				file.SHA256, err = o.c.Cloud.Upload(ctx, o.ref, p.Name, p.File, p.Size)
				return err
			})
			_ = p.File.Close()
			if err != nil {
				file.Error = plain.Tail(err.Error(), maxFileError)
				o.c.Logger.Warn("published file was not uploaded", "order", o.ref.String(), "file", p.Name, "err", err)
			}
		}
		files = append(files, file)
	}
	return files
}
