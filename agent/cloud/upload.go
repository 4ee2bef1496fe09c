package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"tcenvsvr/agent/link/wire"
)

// Upload sends size bytes of r as the published file name of an order, and returns their digest. It
// resumes where the cloud's copy ends, also after a crash of either side, and returns when the
// cloud has verified the whole file.
func (c *Client) Upload(ctx context.Context, ref wire.Ref, name string, r io.ReaderAt, size int64) (wire.SHA256, error) {
	doing := fmt.Sprintf("uploading %q of order %s", name, ref)
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(r, 0, size)); err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	sha := wire.SHA256(hex.EncodeToString(hash.Sum(nil)))
	path := orderPath(ref) + "/files/" + url.PathEscape(name)
	restarted := false
	err := c.retry(ctx, doing, func() error {
		offset, err := c.held(ctx, doing, path)
		if err != nil {
			return err
		}
		if offset > size {
			return fmt.Errorf("%s: the cloud holds %d bytes of a file of %d", doing, offset, size)
		}
		query := fmt.Sprintf("?offset=%d&size=%d&sha256=%s", offset, size, sha)
		res, err := c.once(ctx, doing, http.MethodPut, path+query, nil, io.NewSectionReader(r, offset, size-offset))
		if s, ok := errors.AsType[*StatusError](err); ok {
			switch {
			case s.Status == http.StatusConflict: // another offset: ask again
				return errors.New(s.Error())
			case s.Status == http.StatusUnprocessableEntity && !restarted: // the cloud holds bytes of an older try: start again at 0, once
				restarted = true
				return errors.New(s.Error())
			}
		}
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusNoContent {
			return fmt.Errorf("%s: the cloud has all of it and wants more", doing)
		}
		return nil
	})
	return sha, err
}

// held asks how many bytes the cloud has.
func (c *Client) held(ctx context.Context, doing, path string) (int64, error) {
	res, err := c.once(ctx, doing, http.MethodHead, path, nil, nil)
	if err != nil {
		if s, ok := errors.AsType[*StatusError](err); ok && s.Status == http.StatusNotFound {
			return 0, nil
		}
		return 0, err
	}
	defer res.Body.Close()
	n, err := uploadOffset(res)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return n, nil
}
