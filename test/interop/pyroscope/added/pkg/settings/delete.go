package settings

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	settingsv1 "github.com/grafana/pyroscope/api/gen/proto/go/settings/v1"
)

// Delete is what the published API module asks for beyond this server's release.
func (ts *TenantSettings) Delete(context.Context, *connect.Request[settingsv1.DeleteSettingsRequest]) (*connect.Response[settingsv1.DeleteSettingsResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("not part of this release"))
}
