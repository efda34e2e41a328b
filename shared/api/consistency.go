package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/checker"
	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
)

// How many inconsistent records are listed, and how many may be repaired at once.
const (
	recordsUsual  = 100
	repairsAtOnce = 100
)

// ConsistencyChecker checks consistency.
type ConsistencyChecker interface {
	Read(ctx context.Context, requestedBy string) (checker.Report, error)
	Start(ctx context.Context, requestedBy string) (id string, err error)
	Repair(ctx context.Context, records []checker.Named) ([]checker.Named, []checker.Refusal, error)
}

type consistencyReport struct {
	Status       string              `json:"overall_status"`
	Checks       int                 `json:"checks_performed"`
	Consistent   int                 `json:"consistent_records"`
	Inconsistent int                 `json:"inconsistent_records"`
	Missing      int                 `json:"missing_records"`
	Waiting      int                 `json:"waiting_records"`
	LastChecked  string              `json:"last_checked"`
	LastDeep     *string             `json:"last_checked_against_notion"`
	Parameters   map[string]any      `json:"parameters"`
	Progress     *checkProgress      `json:"progress,omitempty"`
	Details      []consistencyDetail `json:"details"`
}

type checkProgress struct {
	ID        string `json:"run_id"`
	Status    string `json:"status"`
	Database  string `json:"database,omitempty"`
	PagesRead int    `json:"pages_read"`
}

type consistencyDetail struct {
	Check           consistency.Check `json:"check_type"`
	Source          string            `json:"source_table"`
	Target          string            `json:"target_table"`
	Status          string            `json:"status"`
	Checked         int               `json:"records_checked"`
	Inconsistencies int               `json:"inconsistencies"`
	Waiting         int               `json:"waiting"`
	Records         []foundRecord     `json:"records,omitempty"`
}

type foundRecord struct {
	consistency.Finding
	Repairable bool   `json:"repairable"`
	Advice     string `json:"advice"`
}

type consistencyAnswer struct {
	Envelope
	Report consistencyReport `json:"consistency_report"`
}

type checkStarted struct {
	Envelope
	RunID   string `json:"run_id"`
	Message string `json:"message"`
}

type checkRunning struct {
	problem
	RunID string `json:"run_id"`
}

func dataConsistencyRoute() Route {
	return Route{Path: "/data-consistency", Function: "data-consistency", Group: Operations, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read,
		Does: "Compares the last synced state with the tables, record by record, and adds the last check against Notion. " +
			"With `deep=true`, which needs the scope sync, queues a check against Notion: answers 202, or 409 when one is running.",
		Query: []Parameter{
			{"check_type", consistency.Check(""), "Only what this check found."},
			{"table_name", "", "Only this table."},
			{"limit", 0, "How many inconsistent records are listed, 1 to 500."},
			{"deep", false, "Starts a check against Notion."},
		},
		Answers: []Answer{{http.StatusOK, consistencyAnswer{}}, {http.StatusAccepted, checkStarted{}}, {http.StatusConflict, checkRunning{}}},
	}}}
}

// DataConsistency answers GET /data-consistency: base against tables as they are, at most half a minute old, and what the last check
// against Notion found. With deep=true it begins such a check and answers 202 with its id; one that is under way is 409.
func (a API) DataConsistency(auditor ConsistencyChecker, tables []string) http.Handler {
	return a.serve(dataConsistencyRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		values := r.URL.Query()
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		deep, err := yesNo(values, "deep", false)
		if err != nil {
			return 0, nil, err
		}
		if deep {
			return a.startDeep(r, auditor, caller)
		}
		check, table, limit, err := consistencyFilter(values, tables)
		if err != nil {
			return 0, nil, err
		}
		report, err := auditor.Read(r.Context(), caller.Client)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, consistencyAnswer{a.ok(), reportOf(report, check, table, limit)}, nil
	}})
}

func (a API) startDeep(r *http.Request, auditor ConsistencyChecker, caller access.Principal) (int, any, error) {
	if !caller.May(access.Sync) {
		return 0, nil, fault.New(fault.Forbidden, "The key of %s may not do this: it needs the scope %q.", caller.Client, access.Sync)
	}
	id, err := auditor.Start(r.Context(), caller.Client)
	if fault.KindOf(err) == fault.Conflict && id != "" {
		return http.StatusConflict, checkRunning{a.problem(r, "Check already running", CodeAlreadyRunning, fault.Message(err)), id}, nil
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, checkStarted{a.ok(), id, "The check against Notion has been queued. GET /data-consistency shows how far it is."}, nil
}

func consistencyFilter(values url.Values, tables []string) (consistency.Check, string, int, error) {
	check, err := one(values, "check_type")
	if err != nil {
		return "", "", 0, err
	}
	if values.Has("check_type") && !slices.Contains(consistency.Checks(), consistency.Check(check)) {
		return "", "", 0, fault.New(fault.Invalid, "check_type must be %s.", fault.OneOf(consistency.Checks()))
	}
	table, err := one(values, "table_name")
	if err != nil {
		return "", "", 0, err
	}
	if values.Has("table_name") && !slices.Contains(tables, table) {
		return "", "", 0, fault.New(fault.Invalid, "table_name must be %s.", fault.OneOf(tables))
	}
	limit, err := limitOf(values, recordsUsual)
	return consistency.Check(check), table, limit, err
}

func reportOf(r checker.Report, check consistency.Check, table string, limit int) consistencyReport {
	report := consistencyReport{
		Status: healthy, LastChecked: stamp(r.Rows.CreatedAt), Parameters: map[string]any{"limit": limit}, Details: []consistencyDetail{},
	}
	if check != "" {
		report.Parameters["check_type"] = check
	}
	if table != "" {
		report.Parameters["table_name"] = table
	}
	results := r.Rows.Results
	if r.Deep != nil {
		report.LastDeep = stampOrNull(r.Deep.CreatedAt)
		for _, result := range r.Deep.Results {
			if result.Check != consistency.Rows { // which has been looked at since
				results = append(results, result)
			}
		}
	}
	if r.UnderWay != nil {
		report.Progress = &checkProgress{r.UnderWay.ID, r.UnderWay.Status, r.UnderWay.Progress.Database, r.UnderWay.Progress.PagesRead}
	}
	for _, result := range results {
		if check != "" && result.Check != check || table != "" && result.Table != table && result.Base != table {
			continue
		}
		report.add(result, limit)
	}
	if report.Inconsistent+report.Missing > 0 {
		report.Status = degraded
	}
	return report
}

func (c *consistencyReport) add(result consistency.Result, limit int) {
	d := consistencyDetail{
		Check: result.Check, Source: result.Base, Target: result.Table, Status: "consistent",
		Checked: result.Checked, Inconsistencies: result.Found, Waiting: result.Waiting,
	}
	if result.Check != consistency.Rows {
		d.Source, d.Target = "notion:"+result.Kind, result.Base
	}
	if result.Found > 0 {
		d.Status = "inconsistent"
	}
	listed := 0
	for _, other := range c.Details {
		listed += len(other.Records)
	}
	for _, f := range result.Findings[:max(0, min(len(result.Findings), limit-listed))] {
		ok, advice := f.Repairable()
		d.Records = append(d.Records, foundRecord{f, ok, advice})
	}
	c.Checks++
	if result.Check == consistency.Rows { // each record once
		c.Consistent += result.Checked - result.Found - result.Waiting
	}
	c.Missing += result.Missing
	c.Inconsistent += result.Found - result.Missing
	c.Waiting += result.Waiting
	c.Details = append(c.Details, d)
}

type repairRequest struct {
	Records []checker.Named `json:"records" api:"required"`
}

type repairQueued struct {
	Envelope
	Queued  []checker.Named   `json:"queued"`
	Refused []checker.Refusal `json:"refused"`
	Message string            `json:"message"`
}

func dataConsistencyRepairRoute() Route {
	return Route{Path: "/data-consistency/repair", Function: "data-consistency-repair", Group: Operations, Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Sync, Does: "Queues up to 100 records for repair by the next sync.",
		Body: repairRequest{}, Examples: []string{`{"records":[{"database":"partners","record_id":"…"}]}`},
		Answers: []Answer{{http.StatusAccepted, repairQueued{}}}, Fails: []fault.Kind{fault.Conflict},
	}}}
}

// RepairConsistency answers POST /data-consistency/repair: it queues exactly the records named. It may be repeated.
func (a API) RepairConsistency(auditor ConsistencyChecker) http.Handler {
	return a.serve(dataConsistencyRepairRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		var in repairRequest
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		if len(in.Records) == 0 || len(in.Records) > repairsAtOnce {
			return 0, nil, fault.New(fault.Invalid, "records must name 1 to %d records, each with its database and its record_id or notion_id.", repairsAtOnce)
		}
		for _, n := range in.Records {
			if n.Kind == "" || n.RecordID == "" && n.PageID == "" {
				return 0, nil, fault.New(fault.Invalid, "Each record needs its database, and its record_id or notion_id.")
			}
		}
		queued, refused, err := auditor.Repair(r.Context(), in.Records)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, repairQueued{a.ok(), queued, refused, "The next sync looks at what was queued, on both sides."}, nil
	}})
}
