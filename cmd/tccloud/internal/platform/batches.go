package platform

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/batch"
)

// Limits of the content of one batch.
const (
	MaxContent = 128 << 20        // bytes of JSON, and of what is on the wire
	maxTime    = 30 * time.Minute // for all of it
	atOnce     = 16               // that are received at a time; more wait
	atOnceEach = 4                // of one execution
)

func (p *Platform) createBatch(c *call) error {
	data, err := c.body(batch.MaxSettings)
	if err != nil {
		return err
	}
	a, err := p.create(c, data)
	if err != nil {
		return err
	}
	answer(c.w, http.StatusCreated, map[string]any{"status": "Success", "data": map[string]int{"batchId": a.ID}})
	return nil
}

func (p *Platform) create(c *call, settings []byte) (artifact.Artifact, error) {
	if err := p.Intake(); err != nil {
		return artifact.Artifact{}, failure(http.StatusServiceUnavailable, "no batch is taken now")
	}
	s, err := batch.ReadSettings(settings)
	if err != nil {
		return artifact.Artifact{}, err
	}
	return p.Artifacts.Create(c.Context(), c.Ref(), artifact.Artifact{Kind: artifact.Batch, State: artifact.Created, Owner: s.Owner, Settings: s.Raw})
}

// find returns the batch that the path names, if it is this attempt's.
func (p *Platform) find(c *call) (artifact.Artifact, error) {
	id, err := strconv.Atoi(c.rest[0])
	if err != nil {
		return artifact.Artifact{}, artifact.ErrNotFound
	}
	a, err := p.Artifacts.Get(c.Context(), c.ID, id)
	if err == nil && (a.Kind != artifact.Batch || a.Attempt != c.Attempt) {
		err = artifact.ErrNotFound
	}
	return a, err
}

// batch answers how a batch is, or takes its content.
func (p *Platform) batch(c *call) error {
	a, err := p.find(c)
	if err != nil {
		return err
	}
	if c.Method == http.MethodGet {
		return c.success(map[string]any{"batchStatus": status(a)})
	}
	if c.ContentLength > MaxContent {
		return tooLarge()
	}
	if _, err := p.receive(c, a, c.transfer(maxTime)); err != nil {
		return err
	}
	answer(c.w, http.StatusAccepted, map[string]string{"status": "Queued"})
	return nil
}

// createAndUpload does both in one request: a form of "config" and "content".
func (p *Platform) createAndUpload(c *call) error {
	c.Body = io.NopCloser(c.transfer(maxTime))
	form, err := c.MultipartReader()
	if err != nil {
		return noForm()
	}
	var a artifact.Artifact
	for want := "config"; ; want = "content" {
		part, err := form.NextRawPart()
		if err != nil || part.FormName() != want {
			return noForm()
		}
		if want == "content" {
			if a, err = p.receive(c, a, part); err != nil {
				return err
			}
			return c.success(map[string]any{"batchId": a.ID, "batchStatus": status(a)})
		}
		settings, err := io.ReadAll(io.LimitReader(part, batch.MaxSettings+1))
		if err != nil || len(settings) > batch.MaxSettings {
			return failure(http.StatusBadRequest, "config is cut off, or has more than %d bytes", batch.MaxSettings)
		}
		if a, err = p.create(c, settings); err != nil {
			return err
		}
	}
}

func noForm() error {
	return failure(http.StatusBadRequest, "the body is no form of config and then content")
}

// receive reads, judges and stores the content of a batch. The batch is completed when it returns.
func (p *Platform) receive(c *call, a artifact.Artifact, body io.Reader) (artifact.Artifact, error) {
	settings, err := batch.ReadSettings(a.Settings)
	if err != nil {
		return a, err
	}
	done, err := p.uploads.take(c.Context(), c.ID)
	if err != nil {
		return a, err
	}
	defer done()
	spool, err := p.Artifacts.Spool()
	if err != nil {
		p.Logger.Warn("no space to receive a batch", "order", c.ID, "err", err)
		return a, failure(http.StatusServiceUnavailable, "there is no space for a batch now")
	}
	defer spool.Close()
	content := &content{wire: &wireReader{r: body}}
	if err := content.open(); err != nil {
		return a, err
	}
	both := io.TeeReader(content, spool)
	report, err := batch.Read(both, settings.HaltOnError)
	if err == nil {
		_, err = io.Copy(io.Discard, both) // what follows an error is kept, too
	}
	_, large := errors.AsType[*problem](err)
	switch {
	case large:
		return a, err
	case content.wire.err != nil:
		return a, brokeOff()
	case content.damaged: // kept as far as it could be read
		report.Broken = true
	case err != nil:
		return a, err // of the spool
	}
	return p.Artifacts.Complete(c.Context(), c.Ref(), a.ID, spool, report)
}

func tooLarge() error {
	return invalid("File size greater than allowable limit of %d", MaxContent)
}

// content is the JSON of a batch: the body, or what is compressed in it, at most MaxContent bytes.
type content struct {
	wire    *wireReader
	r       io.Reader
	n       int64
	damaged bool // what is compressed cannot be read to its end
}

// open looks at the first bytes: TcEx does not always say that it compressed the body.
func (t *content) open() error {
	buffered := bufio.NewReaderSize(t.wire, 64<<10)
	t.r = buffered
	if magic, err := buffered.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return nil // a body of less than two bytes is judged by who reads it
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		return failure(http.StatusBadRequest, "the body is not the gzip that it seems to be")
	}
	t.r = z
	return nil
}

// Read implements io.Reader. It ends at damage as at the end.
func (t *content) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if t.n += int64(n); t.n > MaxContent || t.wire.n > MaxContent {
		return 0, tooLarge()
	}
	if err != nil && !errors.Is(err, io.EOF) && t.wire.err == nil {
		t.damaged, err = true, io.EOF
	}
	return n, err
}

// wireReader counts a body, and notes why it broke off.
type wireReader struct {
	r   io.Reader
	n   int64
	err error
}

func (w *wireReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// status is how the platform shows a batch.
func status(a artifact.Artifact) map[string]any {
	s := map[string]any{"id": a.ID, "status": a.State}
	if r := a.Report; r != nil {
		s["successCount"] = r.Indicators.Accepted + r.Groups.Accepted
		s["errorCount"] = r.Rejected()
		s["unprocessCount"] = r.Indicators.Unprocessed + r.Groups.Unprocessed
		s["successIndicatorCount"], s["errorIndicatorCount"], s["unprocessIndicatorCount"] = r.Indicators.Accepted, r.Indicators.Rejected, r.Indicators.Unprocessed
		s["successGroupCount"], s["errorGroupCount"], s["unprocessGroupCount"] = r.Groups.Accepted, r.Groups.Rejected, r.Groups.Unprocessed
	}
	return s
}

// judged returns a completed batch with errors.
func (p *Platform) judged(c *call) (artifact.Artifact, error) {
	a, err := p.find(c)
	switch {
	case err != nil:
		return a, err
	case a.State != artifact.Completed:
		return a, invalid("Batch still in %s state", a.State)
	case a.Report.Rejected() == 0:
		return a, failure(http.StatusNotFound, "the batch has no errors")
	}
	return a, nil
}

func (p *Platform) batchErrors(c *call) error {
	a, err := p.judged(c)
	if err != nil {
		return err
	}
	list := []map[string]string{}
	for _, e := range a.Report.Errors {
		list = append(list, map[string]string{"errorReason": e.Reason, "errorSource": e.Source, "errorMessage": e.Reason})
	}
	answer(c.w, http.StatusOK, list)
	return nil
}

func (p *Platform) batchResults(c *call) error {
	a, err := p.judged(c)
	if err != nil {
		return err
	}
	list := []map[string]string{}
	for _, e := range a.Report.Errors {
		if code := c.URL.Query().Get("code"); code == "" || code == e.Code {
			list = append(list, map[string]string{"code": e.Code, "severity": "Error", "errorReason": e.Reason, "errorMessage": e.Source + ": " + e.Reason})
		}
	}
	answer(c.w, http.StatusOK, list)
	return nil
}
