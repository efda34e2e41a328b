//go:build !race

package oracle

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	pg "github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// noticed has webhooks of Notion's come in, and a worker look.
func (a *arena) noticed(t *rapid.T) {
	if !a.told(t) {
		return
	}
	plan := drawTroubles(t)
	a.note("a look, troubles %v", plan)
	a.syncs++
	a.started = a.model.step
	a.effects.begin(plan, func() { a.meanwhile(t) })
	a.queue = append(a.queue, journal.Message{ConnectionID: config.DefaultConnection, Kind: "things", Look: true})
	a.work(t, plan)
	a.besideTransaction(t)
}

// told has webhooks come in, false where there are no pages. They name any of them in any order, some twice, some of pages that nobody has
// edited, and most edits have none: late, doubled, reordered and lost are all one.
func (a *arena) told(t *rapid.T) bool {
	pages := a.pages(t)
	if len(pages) == 0 {
		return false
	}
	store := a.notices()
	for _, p := range rapid.SliceOfN(rapid.SampledFrom(pages), 0, 5).Draw(t, "webhooks") {
		a.hooks++
		hook := uuid.NewSHA1(uuid.NameSpaceURL, fmt.Append(nil, a.hooks/2)).String() // every other is one that came before
		a.note("a webhook of page %s", p.id)
		if _, err := store.Take(context.Background(), hook, p.id, a.source, a.sim.Clock().Now()); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

func (a *arena) notices() pg.Notices {
	return pg.Notices{Pool: a.pool, ConnectionID: config.DefaultConnection, Mapping: a.mapping}
}

// toldMeanwhile has webhooks come in while a worker is at something: it is to look at the pages before it goes on.
func (a *arena) toldMeanwhile(t *rapid.T) {
	if !a.told(t) {
		return
	}
	if _, err := a.notices().Wake(context.Background(), "things", a.sim.Clock().Now()); err != nil {
		t.Fatal(err)
	}
}
