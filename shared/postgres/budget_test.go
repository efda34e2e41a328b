package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notion/ratelimit"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// stage is a clock for several actors, of whom one acts at a time: it moves on when all of them wait.
type stage struct {
	mu      sync.Mutex
	now     time.Time
	actors  int
	waiting []waiting
	all     sync.WaitGroup
}

type waiting struct {
	until time.Time
	wake  chan struct{}
}

func newStage() *stage { return &stage{now: now} }

func (s *stage) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Wait waits for d of the stage's time.
func (s *stage) Wait(ctx context.Context, d time.Duration) error {
	wake := make(chan struct{})
	s.mu.Lock()
	s.waiting = append(s.waiting, waiting{s.now.Add(d), wake})
	s.next()
	s.mu.Unlock()
	<-wake
	return ctx.Err()
}

// next wakes the first of those who wait, when all do.
func (s *stage) next() {
	if s.actors == 0 || len(s.waiting) < s.actors {
		return
	}
	slices.SortStableFunc(s.waiting, func(a, b waiting) int { return a.until.Compare(b.until) })
	first := s.waiting[0]
	s.waiting = s.waiting[1:]
	if first.until.After(s.now) {
		s.now = first.until
	}
	close(first.wake)
}

// play lets the actors act, each from its cue, until all are done.
func (s *stage) play(actors ...func()) {
	s.actors = len(actors)
	for i, act := range actors {
		s.all.Go(func() {
			_ = s.Wait(context.Background(), time.Duration(i)*time.Millisecond)
			act()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.actors--
			s.next()
		})
	}
	s.all.Wait()
}

// most is how many of some times lie within one stretch of a period.
func most(times []time.Time, period time.Duration) int {
	slices.SortFunc(times, time.Time.Compare)
	most, from := 0, 0
	for i, at := range times {
		for !times[from].After(at.Add(-period)) {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// counted is a bank that counts what it is asked.
type counted struct {
	notion.Bank
	asked int
}

func (c *counted) Take(ctx context.Context, ask ratelimit.Ask) (time.Duration, error) {
	c.asked++
	return c.Bank.Take(ctx, ask)
}

// TestBudgetHolds: however functions work, wait, hand back, and die, no stretch of a minute holds more requests than are allowed, and
// interactive ones within their reserve do not wait. What is ready does not wait again.
func TestBudgetHolds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			const allowed = 60
			s := newStage()
			bank := &counted{Bank: postgres.Budget{Pool: pgtest.New(t), ConnectionID: connection, Requests: allowed, Now: s.Now}}
			shared := func(interactive bool) *notion.Shared {
				return notion.NewShared(notion.SharedConfig{
					Bank: bank, Requests: allowed, Interactive: interactive, NewID: uuid.NewString, Now: s.Now, Wait: s.Wait,
				})
			}
			var sent []time.Time
			end := s.Now().Add(4 * time.Minute)
			actor := func(n uint64, interactive bool, least, more time.Duration) func() {
				dice := rand.New(rand.NewPCG(seed, n))
				return func() {
					budget := shared(interactive)
					for s.Now().Before(end) {
						asked := s.Now()
						if err := budget.Take(t.Context(), 1); err != nil {
							t.Error(err)
							return
						}
						if wait := s.Now().Sub(asked); interactive && wait > 0 {
							t.Errorf("an interactive request waited %s", wait)
						}
						sent = append(sent, s.Now())
						_ = s.Wait(t.Context(), least+time.Duration(dice.Int64N(int64(more))))
						switch dice.IntN(20) {
						case 2:
							if interactive {
								continue
							}
							wait, err := budget.Ready(t.Context(), 3)
							if err != nil {
								t.Error(err)
							}
							_ = s.Wait(t.Context(), max(wait, 0))
							for range 3 {
								asked := s.Now()
								if err := budget.Take(t.Context(), 1); err != nil || s.Now() != asked {
									t.Errorf("what was ready took %s more: %v", s.Now().Sub(asked), err)
								}
								sent = append(sent, s.Now())
							}
						case 0:
							budget = shared(interactive) // the function died with what it held
						case 1:
							if err := budget.GiveBack(t.Context()); err != nil {
								t.Error(err)
							}
						}
					}
				}
			}
			s.play(
				actor(1, false, 0, 200*time.Millisecond), actor(2, false, 0, 2*time.Second), actor(3, false, 0, 6*time.Second),
				actor(4, true, time.Minute+ratelimit.Travel+ratelimit.Keep, time.Minute), // one a minute is what is always left of 60
			)
			if n := most(sent, time.Minute); n > allowed {
				t.Errorf("%d requests within a minute, %d are allowed", n, allowed)
			}
			if len(sent) < allowed*3 {
				t.Errorf("only %d requests in four minutes", len(sent))
			}
		})
	}
}

// TestBackfillBesidePeople: a backfill of four databases spends nearly all of the budget and meets no refusal by Notion, while health checks
// and single records are answered at once.
func TestBackfillBesidePeople(t *testing.T) {
	t.Parallel()
	for allowed, minutes := range map[int]int{180: 5, 600: 2} {
		t.Run(fmt.Sprint(allowed, " a minute"), func(t *testing.T) {
			t.Parallel()
			s := newStage()
			sim, err := notionsim.New(notionsim.Config{Demo: true, Now: s.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer sim.Close()
			if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget = allowed }); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(sim)
			defer server.Close()
			bank := &counted{Bank: postgres.Budget{Pool: pgtest.New(t), ConnectionID: connection, Requests: allowed, Now: s.Now}}
			client := func(interactive bool) *notion.Client {
				return notion.New(notion.Config{
					BaseURL: server.URL, Tokens: token(notionsim.IntegrationToken), Now: s.Now, Wait: s.Wait,
					Transport: slow{server.Client().Transport, s},
					Budget: notion.NewShared(notion.SharedConfig{
						Bank: bank, Requests: allowed, Interactive: interactive, NewID: uuid.NewString, Now: s.Now, Wait: s.Wait,
					}),
				})
			}
			begun := s.Now()
			end := begun.Add(time.Duration(minutes) * time.Minute)
			inHaste, slowest := 0, time.Duration(0)
			people := func(pause time.Duration, call func(context.Context, *notion.Client) error) func() {
				c := client(true)
				return func() {
					for s.Now().Before(end) {
						ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
						asked := s.Now()
						if err := call(ctx, c); err != nil {
							t.Errorf("after %s: %v", s.Now().Sub(begun), err)
						}
						cancel()
						inHaste++
						slowest = max(slowest, s.Now().Sub(asked))
						_ = s.Wait(t.Context(), pause)
					}
				}
			}
			page := pageIn(t, sim)
			actors := []func(){
				people(30*time.Second, func(ctx context.Context, c *notion.Client) error { _, err := c.Me(ctx); return err }),
				people(45*time.Second, func(ctx context.Context, c *notion.Client) error { _, err := c.Page(ctx, page); return err }),
			}
			for _, database := range sim.Databases() {
				c := client(false)
				source, err := c.Database(t.Context(), database)
				if err != nil {
					t.Fatal(err)
				}
				actors = append(actors, func() {
					for s.Now().Before(end) {
						if _, err := c.Query(t.Context(), source.DataSources[0].ID, notion.Query{PageSize: 1}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			s.play(actors...)
			stats := sim.Stats()
			used := float64(stats.Total) / float64(allowed*minutes)
			t.Logf("%d requests in %d minutes: %.1f %% of the budget; %d refused; %d questions to Postgres; %d interactive ones, the slowest %s",
				stats.Total, minutes, 100*used, stats.RateLimited, bank.asked, inHaste, slowest)
			if used < 0.95 || stats.RateLimited > 0 || slowest > time.Second || bank.asked > stats.Total/3 {
				t.Fail()
			}
		})
	}
}

// slow answers after a while.
type slow struct {
	http.RoundTripper
	stage *stage
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.stage.actors > 0 {
		if err := s.stage.Wait(context.WithoutCancel(r.Context()), 300*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return s.RoundTripper.RoundTrip(r)
}

type token string

func (t token) Token(context.Context) (secret.Text, error) { return secret.Of(string(t)), nil }
func (t token) Invalidate(secret.Text)                     {}

func pageIn(t *testing.T, sim *notionsim.Sim) string {
	t.Helper()
	pages, err := sim.Pages(sim.Databases()["partners"])
	if err != nil {
		t.Fatal(err)
	}
	page, err := notion.ParsePage(pages[0])
	if err != nil {
		t.Fatal(err)
	}
	return page.ID
}

// TestBudgetRefusesAtOnce: a caller who cannot wait is told how long it would be, and spends nothing.
func TestBudgetRefusesAtOnce(t *testing.T) {
	t.Parallel()
	bank := postgres.Budget{Pool: pgtest.New(t), ConnectionID: connection, Requests: 10}
	shared := notion.NewShared(notion.SharedConfig{Bank: bank, Requests: 10, NewID: uuid.NewString})
	if err := shared.Take(t.Context(), 6); fault.KindOf(err) != fault.Invalid {
		t.Errorf("more than half: %v", err)
	}
	for range 9 {
		if err := shared.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 2 {
		err := shared.Take(ctx, 1)
		if wait := fault.RetryAfter(err); fault.KindOf(err) != fault.RateLimited || wait < 50*time.Second || wait > 61*time.Second {
			t.Errorf("%v, wait %s", err, wait)
		}
	}
}

// TestBudgetWithoutItsBank: interactive calls go on, few of them; others wait for the database anyway.
func TestBudgetWithoutItsBank(t *testing.T) {
	t.Parallel()
	away := func(interactive bool) *notion.Shared {
		return notion.NewShared(notion.SharedConfig{Bank: noBank{}, Requests: 180, Interactive: interactive, NewID: uuid.NewString})
	}
	if err := away(false).Take(t.Context(), 1); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a backfill: %v", err)
	}
	health := away(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for i := range ratelimit.Spare(180) + 1 {
		err := health.Take(ctx, 1)
		if late := i == ratelimit.Spare(180); late != (fault.KindOf(err) == fault.RateLimited && err != nil) {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

type noBank struct{}

func (noBank) Take(context.Context, ratelimit.Ask) (time.Duration, error) {
	return 0, fault.New(fault.Unavailable, "The database cannot be reached.")
}
