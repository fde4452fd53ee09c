package frontend

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
)

// SelectHeatmap is what the published API module asks for beyond this server's release.
func (f *Frontend) SelectHeatmap(context.Context, *connect.Request[querierv1.SelectHeatmapRequest]) (*connect.Response[querierv1.SelectHeatmapResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("not part of this release"))
}
