package meter

import (
	"context"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// Embedded writes rows to the log in CloudWatch's embedded metric format, from which it makes metrics without being
// called: one line a service and minute.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type Embedded struct {
	Log   *slog.Logger
	Stage string
}

// Namespace is where the metrics stand in CloudWatch.
const Namespace = "act/enhanced-integration"

type directive struct {
	Namespace  string     `json:"Namespace"`
	Dimensions [][]string `json:"Dimensions"`
	Metrics    []unit     `json:"Metrics"`
}

type unit struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

// Write writes the lines.
func (e Embedded) Write(ctx context.Context, rows []metric.Row) {
	type line struct {
		at      time.Time
		service metric.Service
	}
	var order []line
	parts := map[line][]metric.Row{}
	for _, r := range rows {
		l := line{r.At, r.Service}
		if parts[l] == nil {
			order = append(order, l)
		}
		parts[l] = append(parts[l], r)
	}
	for _, l := range order {
		e.write(ctx, l.at, l.service, parts[l])
	}
}

func (e Embedded) write(ctx context.Context, at time.Time, service metric.Service, rows []metric.Row) {
	total := metric.Sum(rows, nil)
	metrics := []unit{{"Calls", "Count"}, {"Errors", "Count"}, {"Latency", "Milliseconds"}}
	attrs := []slog.Attr{
		slog.String("Stage", e.Stage), slog.String("Service", string(service)),
		slog.Int64("Calls", total.Calls), slog.Int64("Errors", total.Errors), slog.Float64("Latency", *total.Mean()),
	}
	if service == metric.Cache { // a miss is no error
		hits := metric.Sum(rows, func(r metric.Row) bool { return r.Outcome == metric.Hit || r.Outcome == metric.Stale })
		metrics[1] = unit{"Hits", "Count"}
		attrs[3] = slog.Int64("Hits", hits.Calls)
	}
	attrs = append(attrs, slog.Group("_aws", slog.Int64("Timestamp", at.UnixMilli()), slog.Any("CloudWatchMetrics", []directive{
		{Namespace: Namespace, Dimensions: [][]string{{"Stage", "Service"}}, Metrics: metrics},
	})))
	e.Log.LogAttrs(ctx, slog.LevelInfo, "measured", attrs...)
}
