package api

import (
	"net/http"
	"strconv"
	"time"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// history tells what happened in an Environment, hour by hour.
func (a *API) history(w http.ResponseWriter, r *http.Request) error {
	e, err := a.Registry.Environment(r.PathValue("name"))
	if err != nil {
		return err
	}
	hours := dispatch.MostHours
	if s := r.URL.Query().Get("hours"); s != "" {
		if hours, err = strconv.Atoi(s); err != nil || hours < 1 || hours > dispatch.MostHours {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "hours %.20q is outside 1–%d", s, dispatch.MostHours)
		}
	}
	list, err := a.Dispatcher.History(r.Context(), e.Name, hours)
	if err != nil {
		return err
	}
	all := make([]v1.Hour, len(list))
	for i, h := range list {
		all[i] = v1.Hour{
			From: h.From, Created: h.Created, Messages: h.Messages, Ended: h.Ended, Failed: h.Failed,
			QueueWaitMS: mean(h.QueueWait, h.Messages), RoundTripMS: mean(h.RoundTrip, h.Answered),
		}
	}
	answer(w, http.StatusOK, all)
	return nil
}

// mean is of n, in milliseconds.
func mean(sum time.Duration, n int) float64 {
	return float64(sum.Microseconds()) / 1000 / float64(max(1, n))
}
