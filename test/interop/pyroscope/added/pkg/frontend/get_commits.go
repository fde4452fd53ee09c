package frontend

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	vcsv1 "github.com/grafana/pyroscope/api/gen/proto/go/vcs/v1"
)

// GetCommits is what the published API module asks for beyond this server's release.
func (f *Frontend) GetCommits(context.Context, *connect.Request[vcsv1.GetCommitsRequest]) (*connect.Response[vcsv1.GetCommitsResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("not part of this release"))
}
