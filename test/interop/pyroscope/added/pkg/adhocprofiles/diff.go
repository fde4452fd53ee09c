package adhocprofiles

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	v1 "github.com/grafana/pyroscope/api/gen/proto/go/adhocprofiles/v1"
)

// Diff is what the published API module asks for beyond this server's release.
func (a *AdHocProfiles) Diff(context.Context, *connect.Request[v1.AdHocProfilesDiffRequest]) (*connect.Response[v1.AdHocProfilesDiffResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("not part of this release"))
}
