package retention_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// What is old goes; nothing goes by a clock that what is stored contradicts.
func TestExpire(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const hour, month = time.Hour, 30 * 24 * time.Hour
	for name, tt := range map[string]struct {
		ahead time.Duration // how far the clock is from the messages' times
		want  uint64
	}{
		"young":               {hour, 9},
		"old":                 {month + hour, 0},
		"the clock is behind": {-hour, 9},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Stream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.JS().DeleteStream(t.Context(), "S") }()
			for i := range 9 {
				if _, err := s.JS().Publish(t.Context(), fmt.Sprint("s.", i), nil); err != nil {
					t.Fatal(err)
				}
			}
			st, err := s.JS().Stream(t.Context(), "S")
			if err != nil {
				t.Fatal(err)
			}
			if err := retention.ExpireAt(t.Context(), st, time.Now().Add(tt.ahead), month); err != nil {
				t.Fatal(err)
			}
			info, err := st.Info(t.Context())
			if err != nil || info.State.Msgs != tt.want {
				t.Errorf("%d messages are left, want %d (%v)", info.State.Msgs, tt.want, err)
			}
		})
	}
}

// Most of a long stream is found old by a search, the rest stays.
func TestExpireUpToWhatIsYoung(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Stream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	var cut time.Time
	for i := range 100 {
		if i == 37 {
			time.Sleep(2 * time.Millisecond) // between two times, not for anything to happen
			cut = time.Now()
		}
		if _, err := s.JS().Publish(t.Context(), "s", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	st, err := s.JS().Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	const age = time.Hour
	if err := retention.ExpireAt(t.Context(), st, cut.Add(age), age); err != nil {
		t.Fatal(err)
	}
	info, err := st.Info(t.Context())
	if err != nil || info.State.FirstSeq != 38 || info.State.Msgs != 63 {
		t.Errorf("the first message left is %d of %d, want 38 of 63 (%v)", info.State.FirstSeq, info.State.Msgs, err)
	}
}
