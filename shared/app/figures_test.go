package app

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// TestFiguresOfWhatIsNotSynced: what waits of a database that is not synced any more is no figure of today.
func TestFiguresOfWhatIsNotSynced(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	queued(t, &two)
	c := two[0]
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var row string
	if err := c.pool.QueryRow(t.Context(), `select id::text from partners where connection_id = $1 limit 1`, c.id()).Scan(&row); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`insert into integration.sync_conflicts (id, connection_id, kind, row_id, field, rule, winner, notion_value, supabase_value, base_value, detected_at, status) values ('` + newID() + `', $1, 'partners', $2::uuid, 'name', 'manual', '', '"a"', '"b"', '"c"', now(), 'waiting')`,
		`insert into integration.sync_errors (connection_id, kind, row_id, side, reason, attempts, first_at, last_at, next_attempt_at) values ($1, 'partners', $2::uuid, 'notion', 'x', 1, now(), clock_timestamp(), now())`,
		`insert into integration.sync_holds (id, connection_id, kind, side, records, total, created_at) select '` + newID() + `', $1, 'partners', 'notion', 3, 15, now() where $2::text <> ''`,
	} {
		if _, err := c.pool.Exec(t.Context(), sql, c.id(), row); err != nil {
			t.Fatal(sql, err)
		}
	}
	is := c.settings
	is.Databases = map[string]string{"projects": is.Databases["projects"]}
	p := c.of(is)
	s, err := postgres.Status{Pool: c.pool, ConnectionID: c.id(), Mapping: c.cfg.Mapping, Kinds: p.connection().Kinds()}.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Waiting != 0 || len(s.Held) != 0 {
		t.Errorf("status: %d conflicts wait, %d holds", s.Waiting, len(s.Held))
	}
	f, err := postgres.Insight{Pool: c.pool, ConnectionID: c.id(), Kinds: p.synced()}.Read(t.Context(), metricWindow(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if f.Refused != 0 || f.Held != 0 {
		t.Errorf("dashboard: %d refused, %d held", f.Refused, f.Held)
	}
}

func metricWindow() metric.Window { w, _ := metric.WindowOf("24h"); return w }
