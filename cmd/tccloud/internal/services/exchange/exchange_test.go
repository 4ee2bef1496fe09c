package exchange_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/cmd/tccloud/internal/services/exchange"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestBetweenGateways: what another gateway asks for or brings, and what it cannot.
func TestBetweenGateways(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	conn := st.Conn()
	here, there := exchange.New(conn), exchange.New(conn)
	for _, x := range []*exchange.Exchange{here, there} {
		go func() { _ = x.Run(t.Context()) }()
	}
	key, err := here.Open(7, exchange.Request, []byte("question"))
	if err != nil {
		t.Fatal(err)
	}
	context, gateway := api.ServiceContext(7, key), key[1:9]
	for i := 0; ; i++ { // until the other one listens
		got, err := there.Get(t.Context(), context, exchange.Request)
		if err == nil && string(got) == "question" {
			break
		}
		if !errors.Is(err, api.ErrNotFound) || i > 10_000 {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	large := bytes.Repeat([]byte("answer "), 200_000)
	if err := there.Put(t.Context(), context, exchange.Response, large); err != nil {
		t.Fatal(err)
	}
	if got, err := here.Get(t.Context(), context, exchange.Response); err != nil || !bytes.Equal(got, large) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}

	// Pieces that no gateway sends.
	send := func(header map[string]string, data string) string {
		t.Helper()
		m := nats.NewMsg("tccloud.exchange." + gateway)
		m.Header.Set("Context", context)
		m.Header.Set("Name", "odd")
		for name, value := range header {
			m.Header.Set(name, value)
		}
		m.Data = []byte(data)
		answer, err := conn.RequestMsgWithContext(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Header.Get("Error")
	}
	const misfit = "the pieces of a value do not fit together"
	for name, header := range map[string]map[string]string{
		"no offset":       {},
		"offset -1":       {"Offset": "-1"},
		"no total":        {"Offset": "0", "Put": "a"},
		"a large total":   {"Offset": "0", "Put": "a", "Total": "67108865"},
		"more than total": {"Offset": "0", "Put": "a", "Total": "2"},
		"a gap":           {"Offset": "4", "Put": "a", "Total": "9"},
	} {
		if got := send(header, "odd"); got != misfit {
			t.Errorf("%s: got %q, want %q", name, got, misfit)
		}
	}
	for i := range 66 {
		want := ""
		if i == 65 {
			want = "too many values are being brought at once"
		}
		if got := send(map[string]string{"Offset": "0", "Put": fmt.Sprint(i), "Total": "9"}, "odd"); got != want {
			t.Errorf("value %d: got %q, want %q", i, got, want)
		}
	}
	if err := there.Put(t.Context(), context, exchange.Response, []byte("again")); err != nil {
		t.Errorf("after that: %v", err)
	}
	for i := 0; err == nil; i++ {
		if err = there.Put(t.Context(), context, fmt.Sprint("v", i), nil); i > 99 {
			t.Fatal("any number of values is taken")
		}
	}
	if want := "asking another gateway: storing a value of a request: "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}

	// A gateway that answers what makes no sense, and one that is gone.
	odd := strings.Replace(context, gateway, "0badf00d", 1)
	sub, err := conn.Subscribe("tccloud.exchange.0badf00d", func(m *nats.Msg) { _ = m.Respond([]byte("odd")) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Get(t.Context(), odd, exchange.Request); err == nil || !strings.Contains(err.Error(), "asking another gateway: its answer makes no sense") {
		t.Errorf("got %v", err)
	}
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Get(t.Context(), odd, exchange.Request); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}
