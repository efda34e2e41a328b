package notionsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/demo"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// maxRecords is how many records of a kind there may be.
const maxRecords = 1_000_000

// Reset makes everything what it was at first: content, connections, options, clock, faults, budgets and counts. Who is told by
// webhooks stays.
func (s *Sim) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.Real()
	s.options.Store(new(defaultOptions()))
	s.faults.Set(nil, uint64(s.config.Seed))
	s.budget.reset()
	s.counts.reset()
	if err := errors.Join(s.oauth.Reset(), s.webhooks.Forget(), s.journal.Clear(workspace.Kept()...)); err != nil {
		return err
	}
	return s.begin()
}

// Grow adds made-up records until there are as many of each kind as wanted, and gives how many it added. No webhook tells of
// them.
func (s *Sim) Grow(wanted map[string]int, seed int64) (map[string]int, error) {
	for kind, n := range wanted {
		if !slices.Contains(demo.Kinds(), kind) {
			return nil, fmt.Errorf("there is no kind of record %q; there are %v", kind, demo.Kinds())
		}
		if n < 0 || n > maxRecords {
			return nil, fmt.Errorf("%s is %d, and may be from 0 to %d", kind, n, maxRecords)
		}
	}
	added := make(map[string]int)
	err := s.change(func(w *workspace.Workspace) error {
		for _, kind := range demo.Kinds() {
			n, err := demo.Grow(w, kind, wanted[kind], seed)
			if err != nil {
				return err
			}
			if n > 0 {
				added[kind] = n
			}
		}
		return nil
	})
	return added, err
}

// Share lets the bot see a database, or takes it away; then it is gone for the bot, and all in it. Here as below, a database is named
// by its id, by the id of one of its data sources or, in the demo workspace, by the kind of its records.
func (s *Sim) Share(database string, shared bool) error {
	return s.change(func(w *workspace.Workspace) error {
		id, err := s.databaseID(w, database)
		if err != nil {
			return err
		}
		return w.Share(id, shared)
	})
}

// databaseID returns the id of a database that is named in one of the ways that Share takes.
func (s *Sim) databaseID(w *workspace.Workspace, name string) (string, error) {
	if s.config.Demo && slices.Contains(demo.Kinds(), name) {
		return demo.DatabaseID(s.config.Seed, name), nil
	}
	id := dashed(name)
	if ds, err := w.DataSource(id, s.person()); err == nil {
		return ds.DatabaseID, nil
	}
	if _, err := w.Database(id, s.person()); err != nil {
		return "", err
	}
	return id, nil
}

// source returns the data source that a name means as Share takes it: of a database, the first.
func (s *Sim) source(w *workspace.Workspace, name string) (*workspace.DataSource, error) {
	if ds, err := w.DataSource(dashed(name), s.person()); err == nil {
		return ds, nil
	}
	id, err := s.databaseID(w, name)
	if err != nil {
		return nil, err
	}
	d, err := w.Database(id, s.person())
	if err != nil {
		return nil, err
	}
	if len(d.Sources) == 0 {
		return nil, fmt.Errorf("the database %s has no data source", name)
	}
	return w.DataSource(d.Sources[0], s.person())
}

// Blocks returns how many blocks the workspace ever had. A page counts as one and its content beside it; what is deleted still counts.
func (s *Sim) Blocks() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.workspace.Blocks()
}

// SetBlocks makes it so many blocks, such as Options.BlockLimit, which fills the workspace.
func (s *Sim) SetBlocks(n int) error {
	if n < 0 {
		return errors.New("used may not be negative")
	}
	return s.change(func(w *workspace.Workspace) error { w.SetBlocks(n); return nil })
}

// DeletePage removes a page for good, as emptying the trash does.
func (s *Sim) DeletePage(id string) error {
	return s.change(func(w *workspace.Workspace) error { return w.DeletePage(dashed(id), s.person()) })
}

// SetValues sets values of a page by the names of properties, also such as the API cannot write. It does not count as an edit:
// last_edited_time stays, as it does when a formula or a rollup changes.
func (s *Sim) SetValues(pageID string, values map[string]json.RawMessage) error {
	return s.change(func(w *workspace.Workspace) error {
		p, err := w.Page(dashed(pageID), s.person())
		if err != nil {
			return err
		}
		read := make(map[string]value.Value)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			prop := w.SchemaOf(p).Find(name)
			if prop == nil {
				return fmt.Errorf("there is no property %q", name)
			}
			if read[prop.ID], err = value.Unmarshal(prop.Type, values[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		for id, v := range read {
			if err := w.SetValue(p.ID, id, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// Page returns a page as the API shows it to a person, but with every reference, and false where there is none.
func (s *Sim) Page(id string) (json.RawMessage, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, err := s.workspace.Page(dashed(id), s.person())
	if err != nil {
		return nil, false
	}
	return s.snapshot(p), true
}

// Pages returns every page of a database as Page does, those in the trash included, in order of creation.
func (s *Sim) Pages(databaseID string) ([]json.RawMessage, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d, err := s.workspace.Database(dashed(databaseID), s.person())
	if err != nil {
		return nil, err
	}
	var out []json.RawMessage
	for _, id := range d.Sources {
		ds, err := s.workspace.DataSource(id, s.person())
		if err != nil {
			return nil, err
		}
		for _, p := range s.workspace.Rows(ds) {
			out = append(out, s.snapshot(p))
		}
	}
	return out, nil
}

func (s *Sim) snapshot(p *workspace.Page) json.RawMessage {
	var b wire.Buffer
	s.workspace.AppendPage(&b, p, workspace.Style{All: true})
	return b.Bytes()
}

// databaseIDs returns the ids of each kind's database and data source.
func (s *Sim) databaseIDs() any {
	ids := make(map[string]map[string]string)
	for kind, id := range s.Databases() {
		ids[kind] = map[string]string{"database_id": id, "data_source_id": demo.DataSourceID(s.config.Seed, kind)}
	}
	return ids
}

// change does something to the workspace and keeps what changed.
func (s *Sim) change(do func(*workspace.Workspace) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(do(s.workspace), s.save())
}

func (s *Sim) person() workspace.Actor {
	return workspace.Actor{UserID: demo.PersonID(s.config.Seed), Integration: demo.BotName}
}

// dashed brings an id into its dashed spelling; what is no id stays as it is, and is not found.
func dashed(id string) string {
	if d, ok := wire.UUID(id); ok {
		return d
	}
	return id
}
