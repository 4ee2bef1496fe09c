package download

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/updater/metadata"
)

// Limits of one file.
const (
	stall    = 60 * time.Second // the longest time without a byte
	slowest  = 4 << 10          // the lowest average speed, in bytes a second
	deadline = 10 * time.Minute // the shortest time limit of a file
	reserve  = 64 << 20         // bytes that a download leaves free on the disk
)

// ErrMismatch means that what was served is not what was signed.
var ErrMismatch = errors.New("the file is not the one that was signed")

// Fetcher downloads from one repository into one folder.
type Fetcher struct {
	Client *http.Client
	URL    string // of the folder with the targets
	Dir    string // for partial and whole files
	Rate   int    // bytes a second; 0 = no limit
}

// File fetches a file with this name, size and SHA-256 into Dir, unless it is there already, and
// returns its path. The error is [ErrMismatch] where the server's file is another one, and
// [space.ErrFull] where the disk has no room for it.
func (f Fetcher) File(ctx context.Context, name string, size int64, sum string) (string, error) {
	whole := filepath.Join(f.Dir, sum)
	if verified(whole, size, sum) == nil {
		return whole, nil
	}
	if err := space.Check(f.Dir, size+reserve); err != nil {
		return "", fmt.Errorf("downloading %q: %w", name, err)
	}
	limit := max(deadline, time.Duration(size/slowest)*time.Second)
	if f.Rate > 0 {
		limit += time.Duration(size/int64(f.Rate)) * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	if err := f.fill(ctx, whole+".part", name, size, sum); err != nil {
		return "", fmt.Errorf("downloading %q: %w", name, err)
	}
	if err := os.Rename(whole+".part", whole); err != nil {
		return "", fmt.Errorf("downloading %q: %w", name, err)
	}
	return whole, nil
}

// fill completes the partial file and verifies it.
func (f Fetcher) fill(ctx context.Context, part, name string, size int64, sum string) error {
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	digest := sha256.New()
	have, err := io.Copy(digest, io.LimitReader(file, size))
	if err != nil {
		return err
	}
	if have < size {
		if err := f.append(ctx, file, digest, name, have, size, sum); err != nil {
			return err
		}
	}
	if hex.EncodeToString(digest.Sum(nil)) != sum {
		_ = os.Remove(part) // to continue it would never give the right file
		return ErrMismatch
	}
	if err := cmp.Or(file.Truncate(size), file.Sync()); err != nil {
		_ = os.Remove(part) // it can be read and may still not be on the disk; a later sync would not tell
		return err
	}
	return nil
}

// append fetches the missing part. A server that does not support ranges, or whose file has
// changed, sends the whole file again.
func (f Fetcher) append(ctx context.Context, file *os.File, digest hash.Hash, name string, have, size int64, sum string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(f.URL, "/")+"/"+name, nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		req.Header.Set("If-Range", `"`+sum+`"`)
	}
	res, err := f.Client.Do(req)
	if err != nil {
		return plain.WithoutURL(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusPartialContent:
		if want := fmt.Sprintf("bytes %d-", have); !strings.HasPrefix(res.Header.Get("Content-Range"), want) {
			return fmt.Errorf("the update server sent range %.64q where %q was wanted", res.Header.Get("Content-Range"), want)
		}
	case http.StatusOK:
		digest.Reset()
		have = 0
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return metadata.Busy(res)
	default:
		return metadata.Answered(res)
	}
	if _, err := file.Seek(have, io.SeekStart); err != nil {
		return err
	}
	n, err := copyAlive(ctx, io.MultiWriter(file, digest), res.Body, size-have, f.Rate)
	if err != nil {
		return errors.Join(err, file.Truncate(have+n))
	}
	return nil
}

// copyAlive copies exactly n bytes. It fails when no byte comes for the stall time.
func copyAlive(ctx context.Context, to io.Writer, body io.ReadCloser, n int64, perSecond int) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("no byte came for %s", stall)) })
	defer watch.Stop()
	// Closing the body ends a read that waits.
	defer context.AfterFunc(ctx, func() { _ = body.Close() })()
	limiter := rate.NewLimiter(rate.Inf, 0)
	buffer := make([]byte, 64<<10)
	if perSecond > 0 { // no pause is longer than a second, or it would pass for a stall
		buffer = buffer[:min(perSecond, len(buffer))]
		limiter = rate.NewLimiter(rate.Limit(perSecond), len(buffer))
	}
	var done int64
	for done < n {
		got, err := body.Read(buffer[:min(int64(len(buffer)), n-done)])
		if got > 0 {
			watch.Reset(stall)
			if _, err := to.Write(buffer[:got]); err != nil {
				return done, err
			}
			done += int64(got)
			if err := limiter.WaitN(ctx, got); err != nil {
				return done, cmp.Or(context.Cause(ctx), err)
			}
		}
		switch {
		case ctx.Err() != nil:
			return done, context.Cause(ctx)
		case errors.Is(err, io.EOF) && done < n:
			return done, fmt.Errorf("it ended after %d of %d bytes: %w", done, n, io.ErrUnexpectedEOF)
		case err != nil && !errors.Is(err, io.EOF):
			return done, err
		}
	}
	return done, nil
}

// verified reports whether file has this size and SHA-256.
func verified(file string, size int64, sum string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	digest := sha256.New()
	n, err := io.Copy(digest, io.LimitReader(f, size+1))
	if err != nil {
		return err
	}
	if n != size || hex.EncodeToString(digest.Sum(nil)) != sum {
		return ErrMismatch
	}
	return nil
}
