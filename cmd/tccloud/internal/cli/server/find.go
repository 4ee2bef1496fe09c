package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// find connects and returns the server that an argument names: by its xid, its name, or
// ENVIRONMENT/NAME. A name that several have names none: servers call themselves as they like.
func find(ctx context.Context, o *operator.Env, arg string) (*client.Client, v1.Server, error) {
	c, err := o.Connect(ctx)
	if err != nil {
		return nil, v1.Server{}, err
	}
	s, err := c.Server(ctx, wire.ServerXID(arg))
	unknown, ok := errors.AsType[*v1.Error](err)
	if !ok || unknown.Code != v1.CodeNotFound {
		return c, s, err
	}
	all, err := c.Servers(ctx, "")
	if err != nil {
		return nil, v1.Server{}, err
	}
	var found []v1.Server
	var xids []string
	for _, s := range all {
		if s.Name == arg || s.Environment+"/"+s.Name == arg {
			found, xids = append(found, s), append(xids, string(s.XID)+" of "+s.Environment)
		}
	}
	switch len(found) {
	case 0:
		return nil, v1.Server{}, unknown.Try("\"tccloud server list\" shows the servers with their names and xids")
	case 1:
		return c, found[0], nil
	}
	return nil, v1.Server{}, operator.Try(fmt.Errorf("%d servers are called %q", len(found), arg), "name one by its xid: %s", strings.Join(xids, ", "))
}
