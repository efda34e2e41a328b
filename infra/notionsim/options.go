package notionsim

import (
	"errors"
	"fmt"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// Options are the habits of the simulator that a test may want otherwise. Over HTTP they are read and changed at
// /_sim/options; what a change leaves out stays as it is.
type Options struct {
	// Budget is how many requests a connection may send in a window, 180 unless told otherwise; 0 is without limit.
	Budget int `json:"budget"`
	// WorkspaceBudget is the same for all connections together; 0, the default, is without limit.
	WorkspaceBudget int `json:"workspace_budget"`
	// BudgetWindowSeconds is how long a window is: 60.
	BudgetWindowSeconds int `json:"budget_window_seconds"`
	// Rounding says what filters on times compare: "rounded" times, as answers show them, or "raw" ones.
	Rounding string `json:"rounding"`
	// RowCap is how many rows one query gives in all, 10,000 unless told otherwise, at most 60,000; 0 is without limit.
	RowCap int `json:"row_cap"`
	// Truncation is how many mentions, people and related pages a page shows of one property: 25; 0 is all.
	Truncation int `json:"truncation"`
	// SearchLagMS is how many milliseconds search does not know of an edit: 0.
	SearchLagMS int `json:"search_lag_ms"`
	// KeepTimeZone makes dates keep the name of their time zone instead of turning it into an offset.
	KeepTimeZone bool `json:"keep_time_zone"`
	// KeepSeconds makes dates keep seconds and milliseconds, as the simulator did before recordings showed that Notion cuts them.
	KeepSeconds bool `json:"keep_seconds"`
	// BlockLimit is how many blocks the workspace may ever hold, those deleted included, as a free one with several members may hold
	// 1,000; 0, the default, is without limit.
	BlockLimit int `json:"block_limit"`
	// UnsharedRelations says how the bot sees relations to what is not shared with it: "empty", "omitted" or "shown".
	UnsharedRelations workspace.Unshared `json:"unshared_relations"`
	// CommittedResourceID makes the error to a page that was created all the same name that page: true.
	CommittedResourceID bool `json:"committed_resource_id"`
	// IntegrationRevoked makes the integration's own token invalid.
	IntegrationRevoked bool `json:"integration_revoked"`
	// OAuthErrors is the shape of OAuth's errors: "full", as Notion documents it, or "short", {"error": …}.
	OAuthErrors string `json:"oauth_errors"`
	// OAuthLifeSeconds is how long an access token that OAuth gave is good, by the simulator's clock; 0, the default, is without end.
	OAuthLifeSeconds int `json:"oauth_life_seconds"`

	// WebhookDelayMS is how many milliseconds after its cause a webhook is due, and WebhookJitterMS how many more at most.
	WebhookDelayMS  int `json:"webhook_delay_ms"`
	WebhookJitterMS int `json:"webhook_jitter_ms"`
	// WebhookDuplication and WebhookLoss are the shares of webhooks that come twice and never: 0.
	WebhookDuplication float64 `json:"webhook_duplication"`
	WebhookLoss        float64 `json:"webhook_loss"`
	// WebhookOrder is "kept" or "shuffled".
	WebhookOrder string `json:"webhook_order"`
	// WebhookMerging lets an event that is not due yet take in a later one of the same page and type, whoever caused it.
	WebhookMerging bool `json:"webhook_merging"`
	// WebhookBackground delivers by itself what is due; without it, only POST /_sim/webhooks/deliver does.
	WebhookBackground bool `json:"webhook_background"`
}

func defaultOptions() Options {
	return Options{
		Budget: 180, BudgetWindowSeconds: 60, Rounding: "rounded", RowCap: 10_000, Truncation: 25, CommittedResourceID: true,
		UnsharedRelations: workspace.UnsharedEmpty,
		OAuthErrors:       "full", WebhookOrder: "kept", WebhookMerging: true, WebhookBackground: true,
	}
}

func (o Options) check() error {
	for name, n := range map[string]int{
		"budget": o.Budget, "workspace_budget": o.WorkspaceBudget, "row_cap": o.RowCap, "truncation": o.Truncation,
		"search_lag_ms": o.SearchLagMS, "webhook_delay_ms": o.WebhookDelayMS, "webhook_jitter_ms": o.WebhookJitterMS,
		"oauth_life_seconds": o.OAuthLifeSeconds, "block_limit": o.BlockLimit,
	} {
		if n < 0 {
			return fmt.Errorf("%s may not be negative", name)
		}
	}
	switch {
	case o.BudgetWindowSeconds < 1:
		return errors.New("budget_window_seconds must be at least 1")
	case o.RowCap > 60_000:
		return errors.New("row_cap may be at most 60000, or 0 for none")
	case o.Rounding != "rounded" && o.Rounding != "raw":
		return fmt.Errorf(`rounding is %q, and may be "rounded" or "raw"`, o.Rounding)
	case o.UnsharedRelations != workspace.UnsharedEmpty && o.UnsharedRelations != workspace.UnsharedOmitted && o.UnsharedRelations != workspace.UnsharedShown:
		return fmt.Errorf(`unshared_relations is %q, and may be "empty", "omitted" or "shown"`, o.UnsharedRelations)
	case o.OAuthErrors != "full" && o.OAuthErrors != "short":
		return fmt.Errorf(`oauth_errors is %q, and may be "full" or "short"`, o.OAuthErrors)
	case o.WebhookOrder != "kept" && o.WebhookOrder != "shuffled":
		return fmt.Errorf(`webhook_order is %q, and may be "kept" or "shuffled"`, o.WebhookOrder)
	case o.WebhookDuplication < 0 || o.WebhookDuplication > 1 || o.WebhookLoss < 0 || o.WebhookLoss > 1:
		return errors.New("webhook_duplication and webhook_loss may be from 0 to 1")
	}
	return nil
}

func (o Options) limits() workspace.Limits {
	return workspace.Limits{
		References: o.Truncation, Rows: o.RowCap, FilterRaw: o.Rounding == "raw", KeepTimeZone: o.KeepTimeZone, KeepSeconds: o.KeepSeconds,
		SearchLag: time.Duration(o.SearchLagMS) * time.Millisecond, Blocks: o.BlockLimit, Unshared: o.UnsharedRelations,
	}
}
