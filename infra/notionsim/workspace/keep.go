package workspace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/journal"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// changes notes what changed since it was last asked: pages, data sources, databases, users, and the counters.
type changes struct{ marked map[[2]string]struct{} }

func newChanges() changes { return changes{marked: make(map[[2]string]struct{})} }

func (j *changes) mark(kind, id string) { j.marked[[2]string{kind, id}] = struct{}{} }

// counters are what ids and numbers go on from.
type counters struct {
	Seed int64  `json:"seed"`
	IDs  uint64 `json:"ids"`
	Seq  uint32 `json:"seq"`
	// Blocks is how many blocks there ever were.
	Blocks int `json:"blocks,omitempty"`
}

// TakeChanges returns what changed since it was last called, in a fixed order, to be kept.
func (w *Workspace) TakeChanges() ([]journal.Record, error) {
	if len(w.changes.marked) == 0 {
		return nil, nil
	}
	w.changes.mark("counters", "counters")
	records := make([]journal.Record, 0, len(w.changes.marked))
	for at := range w.changes.marked {
		r := journal.Record{Kind: at[0], ID: at[1]}
		if thing := w.thing(r.Kind, r.ID); thing != nil {
			var err error
			if r.Data, err = json.Marshal(thing); err != nil {
				return nil, fmt.Errorf("keep %s %s: %w", r.Kind, r.ID, err)
			}
		}
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b journal.Record) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	w.changes = newChanges()
	return records, nil
}

// ForgetChanges is TakeChanges for who keeps nothing.
func (w *Workspace) ForgetChanges() { w.changes = newChanges() }

// thing returns what is to be kept under a kind and an id, or nil where it is gone.
func (w *Workspace) thing(kind, id string) any {
	switch kind {
	case "page":
		if p := w.pages[id]; p != nil {
			return p
		}
	case "source":
		if ds := w.sources[id]; ds != nil {
			return ds
		}
	case "database":
		if d := w.databases[id]; d != nil {
			return d
		}
	case "user":
		for i, u := range w.users {
			if u.ID == id {
				return keptUser{User: *u, Order: i}
			}
		}
	case "counters":
		return counters{Seed: w.ids.Seed, IDs: w.ids.Next, Seq: w.nextSeq, Blocks: w.blocks}
	}
	return nil
}

type keptUser struct {
	User
	Order int `json:"order"`
}

// page restores a page that was kept. Its values are read by the types that the schema says.
func (w *Workspace) page(raw []byte) (*Page, error) {
	type plain Page
	p := new(Page)
	kept := struct {
		*plain
		Values map[string]json.RawMessage `json:"values"`
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, err
	}
	p.Values = make(map[string]value.Value, len(kept.Values))
	s := w.SchemaOf(p)
	for id, raw := range kept.Values {
		prop := s.ByID(id)
		if prop == nil {
			return nil, fmt.Errorf("page %s holds a value of the property %s, which does not exist", p.ID, id)
		}
		v, err := value.Unmarshal(prop.Type, raw)
		if err != nil {
			return nil, fmt.Errorf("page %s, property %s: %w", p.ID, prop.Name, err)
		}
		p.Values[id] = v
	}
	return p, nil
}

// Load fills an empty workspace with what a journal kept.
func (w *Workspace) Load(kept *journal.Journal) error {
	var users []keptUser
	shelves := make(map[*shelf][]*Page)
	err := kept.Each("counters", func(data []byte) error {
		var c counters
		err := json.Unmarshal(data, &c)
		w.ids, w.sealer.Seed, w.nextSeq = ident.Source{Seed: c.Seed, Next: c.IDs}, c.Seed, c.Seq
		w.blocks = c.Blocks
		return err
	})
	load := func(kind string, do func([]byte) error) {
		if err == nil {
			err = kept.Each(kind, do)
		}
	}
	load("user", func(data []byte) error {
		var u keptUser
		err := json.Unmarshal(data, &u)
		users = append(users, u)
		return err
	})
	load("database", func(data []byte) error {
		d := new(Database)
		err := json.Unmarshal(data, d)
		w.databases[d.ID] = d
		return err
	})
	load("source", func(data []byte) error {
		ds := new(DataSource)
		err := json.Unmarshal(data, ds)
		w.sources[ds.ID] = ds
		return err
	})
	load("page", func(data []byte) error {
		p, err := w.page(data)
		if err != nil {
			return err
		}
		w.pages[p.ID] = p
		if s := w.shelf(p); s != nil {
			shelves[s] = append(shelves[s], p)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load the workspace: %w", err)
	}
	for s, pages := range shelves {
		s.fill(pages)
	}
	slices.SortFunc(users, func(a, b keptUser) int { return cmp.Compare(a.Order, b.Order) })
	for _, u := range users {
		w.users = append(w.users, &u.User)
	}
	return nil
}

// Kept names the kinds of record under which a workspace is kept.
func Kept() []string { return []string{"counters", "user", "database", "source", "page"} }
