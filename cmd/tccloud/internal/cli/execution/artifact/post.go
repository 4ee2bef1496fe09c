package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/api/upstream"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/internal/platform"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
)

func post(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "post ID [N]...", Short: "post batches on to ThreatConnect", Args: cli.AtLeast(1, "an execution's id"),
		Long: `Post creates batches in a ThreatConnect instance, with the settings and the content that
the App gave them, one after the other, and waits for each to be completed. --owner
chooses another owner. It ends at the first batch that the instance does not take, and says
which were posted; indicators that are there already are updated by the instance.

  tccloud execution artifact post ID --platform https://company.threatconnect.com --platform-credentials FILE --data DIR`,
	}
	var to platform.Flags
	to.Add(cmd.Flags(), "that takes the batches, https://host[/api]")
	owner := cmd.Flags().String("owner", "", "owner of what is posted (default: as the App said)")
	wait := cmd.Flags().Duration("wait", time.Hour, "how long one batch may take")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := to.Config(o.Getenv, os.Open)
		if err == nil && cfg == nil {
			err = cli.Misuse(cmd, "give --platform URL")
		}
		if err != nil {
			return err
		}
		instance, err := upstream.New(*cfg)
		if err != nil {
			return err
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		id := wire.OrderID(args[0])
		chosen, err := batches(cmd.Context(), c, id, args[1:])
		if err != nil {
			return err
		}
		for _, a := range chosen {
			ctx, cancel := context.WithTimeout(cmd.Context(), *wait)
			s, err := (&poster{instance, c, id}).post(ctx, a, *owner)
			cancel()
			if err != nil {
				return fmt.Errorf("posting batch %d to %s: %w", a.ID, instance.Host(), err)
			}
			fmt.Fprintf(o.Stdout, "batch %d posted as %d: %d accepted, %d rejected, %d unprocessed\n", a.ID, s.ID, s.Success, s.Error, s.Unprocessed)
		}
		return nil
	}
	return cmd
}

// poster posts batches of one execution.
type poster struct {
	to    *upstream.Upstream
	from  *client.Client
	order wire.OrderID
}

// posted is how the instance shows a batch.
type posted struct {
	ID          int    `json:"id"`
	Status      string `json:"status"`
	Success     int    `json:"successCount"`
	Error       int    `json:"errorCount"`
	Unprocessed int    `json:"unprocessCount"`
}

// polling is the pause between two questions how a batch is: at first the shortest, at last the longest.
const (
	shortestPoll = time.Second
	longestPoll  = 20 * time.Second
)

func (p *poster) post(ctx context.Context, a v1.Artifact, owner string) (posted, error) {
	settings := map[string]json.RawMessage{}
	if err := json.Unmarshal(a.Settings, &settings); err != nil {
		return posted{}, fmt.Errorf("reading its settings: %w", err)
	}
	if owner != "" {
		settings["owner"], _ = json.Marshal(owner) // a string
	}
	data, err := json.Marshal(settings)
	if err != nil {
		return posted{}, err
	}
	var created struct {
		Data struct {
			BatchID int `json:"batchId"`
		} `json:"data"`
	}
	if err := p.ask(ctx, http.MethodPost, "/v2/batch", "application/json", bytes.NewReader(data), &created); err != nil {
		return posted{}, err
	}
	path := fmt.Sprintf("/v2/batch/%d", created.Data.BatchID)
	content, w := io.Pipe()
	go func() { w.CloseWithError(p.from.Batch(ctx, p.order, a.ID, w)) }()
	err = p.ask(ctx, http.MethodPost, path, "application/octet-stream", content, nil)
	_ = content.Close()
	for pause := shortestPoll; err == nil; pause = min(2*pause, longestPoll) {
		var answer struct {
			Data struct {
				Status posted `json:"batchStatus"`
			} `json:"data"`
		}
		if err = p.ask(ctx, http.MethodGet, path+"?includeAdditional=true", "", nil, &answer); err == nil && answer.Data.Status.Status == "Completed" {
			answer.Data.Status.ID = created.Data.BatchID
			return answer.Data.Status, nil
		}
		select {
		case <-ctx.Done():
			err = fmt.Errorf("it is not completed: %w", ctx.Err())
		case <-time.After(pause):
		}
	}
	return posted{}, err
}

// maxAnswer is the most of an answer that is read.
const maxAnswer = 1 << 20

// ask sends a request and decodes the answer into out, if it is not nil.
func (p *poster) ask(ctx context.Context, method, path, kind string, body io.Reader, out any) error {
	r, err := p.to.Request(ctx, method, path)
	if err != nil {
		return err
	}
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(body), -1
		if b, ok := body.(*bytes.Reader); ok {
			r.ContentLength = b.Size()
		}
		r.Header.Set("Content-Type", kind)
	}
	res, err := p.to.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode/100 != 2:
		return fmt.Errorf("the instance answers %s to %s %s: %s", plain.Line(res.Status), method, path, plain.Line(plain.Head(string(data), 300)))
	case err != nil:
		return fmt.Errorf("reading the instance's answer: %w", err)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("reading the instance's answer to %s %s: it is not the JSON expected", method, path)
	}
	return nil
}
