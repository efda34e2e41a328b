package engine_test

import (
	"context"
	"errors"
	"time"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

var errDead = errors.New("the worker is dead")

// life is a worker's: it ends before an effect, and nothing that the worker does from then on has one.
type life struct {
	n, ends int // effects so far, and the one that does not come any more; 0: all come
	dead    bool
}

func (l *life) do(effect func() error) error {
	if l.dead {
		return errDead
	}
	l.n++
	if l.dead = l.n == l.ends; l.dead {
		return errDead
	}
	return effect()
}

// mortal lets the world's workers die.
func mortal(w *sidetest.World, l *life) {
	cfg := w.Syncer.Config
	notionOf, tablesOf, rehearsalOf := cfg.Notion, cfg.Tables, cfg.Rehearsal
	cfg.Ledger = mortalLedger{cfg.Ledger, l}
	cfg.Notion = func(k mapping.Kind) engine.Notion { return mortalNotion{notionOf(k), l} }
	cfg.Tables = func(k mapping.Kind) engine.Tables { return mortalTables{tablesOf(k), l} }
	cfg.Rehearsal = func(k mapping.Kind, runID string) engine.Tables { return mortalTables{rehearsalOf(k, runID), l} }
	w.Syncer = engine.New(cfg)
}

type mortalLedger struct {
	engine.Ledger
	*life
}

func (l mortalLedger) Finish(ctx context.Context, lease journal.Lease, part journal.Part, reason string, at time.Time) error {
	return l.do(func() error { return l.Ledger.Finish(ctx, lease, part, reason, at) })
}

type mortalNotion struct {
	engine.Notion
	*life
}

func (n mortalNotion) PrepareRowKey(ctx context.Context, dataSourceID string, bound mapping.Binding) (keyID string, err error) {
	err = n.do(func() (err error) { keyID, err = n.Notion.PrepareRowKey(ctx, dataSourceID, bound); return err })
	return keyID, err
}

func (n mortalNotion) Create(ctx context.Context, dataSourceID, keyID, rowID string, write journal.Write) (p record.Page, err error) {
	err = n.do(func() (err error) { p, err = n.Notion.Create(ctx, dataSourceID, keyID, rowID, write); return err })
	return p, err
}

func (n mortalNotion) Update(ctx context.Context, pageID string, write journal.Write) (p record.Page, err error) {
	err = n.do(func() (err error) { p, err = n.Notion.Update(ctx, pageID, write); return err })
	return p, err
}

type mortalTables struct {
	engine.Tables
	*life
}

func (t mortalTables) Match(ctx context.Context, lease journal.Lease, part journal.Part) (matched, doubtful int, err error) {
	err = t.do(func() (err error) { matched, doubtful, err = t.Tables.Match(ctx, lease, part); return err })
	return matched, doubtful, err
}

func (t mortalTables) Intend(ctx context.Context, lease journal.Lease, intents []journal.Intent) error {
	return t.do(func() error { return t.Tables.Intend(ctx, lease, intents) })
}

func (t mortalTables) Commit(ctx context.Context, lease journal.Lease, batch journal.Batch) (outcomes []journal.Outcome, err error) {
	err = t.do(func() (err error) { outcomes, err = t.Tables.Commit(ctx, lease, batch); return err })
	return outcomes, err
}
