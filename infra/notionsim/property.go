package notionsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// AddProperty adds a property of any type to a database, also of one that the API cannot make or that nobody knows. Config is what a
// request has under the type's name, or what the schema shall show there where the API cannot make the type; nil is {}.
func (s *Sim) AddProperty(database, name, kind string, config json.RawMessage) error {
	if name == "" || kind == "" {
		return errors.New("a property needs a name and a type")
	}
	if strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return errors.New("a type is written in small letters and underscores")
	}
	return s.change(func(w *workspace.Workspace) error {
		ds, err := s.source(w, database)
		if err != nil {
			return err
		}
		if ds.Schema.Find(name) != nil {
			return fmt.Errorf("there is a property %q already", name)
		}
		if schema.Configurable(kind) {
			return s.configure(w, ds, name, kind, config)
		}
		if config == nil && !schema.Known(kind) {
			config = json.RawMessage("{}")
		}
		w.AddProperty(ds, &schema.Property{Name: name, Type: kind, Config: config}, s.person())
		return nil
	})
}

// configure adds a property of a type that the API can make, as a request of the person.
func (s *Sim) configure(w *workspace.Workspace, ds *workspace.DataSource, name, kind string, config json.RawMessage) error {
	if config == nil {
		config = json.RawMessage("{}")
	}
	raw, err := json.Marshal(map[string]any{"properties": map[string]any{name: map[string]any{kind: config}}})
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	body, refused := wire.Parse(raw)
	if refused != nil {
		return refused
	}
	_, err = w.UpdateDataSource(ds.ID, body, s.person())
	return err
}

// property runs a change of a property, which is named by its name or its id.
func (s *Sim) property(database, name string, do func(*workspace.Workspace, *workspace.DataSource, *schema.Property) error) error {
	return s.change(func(w *workspace.Workspace) error {
		ds, err := s.source(w, database)
		if err != nil {
			return err
		}
		p := ds.Schema.Find(name)
		if p == nil {
			return fmt.Errorf("there is no property %q", name)
		}
		return do(w, ds, p)
	})
}

// PropertyChange says what is to change of a property; what is nil stays.
type PropertyChange struct {
	Name        *string `json:"name"`
	Unsupported *bool   `json:"unsupported"` // whether the API shows the results of a formula or a rollup as unsupported
}

// ChangeProperty changes a property of a database as a person does in the app. Its id stays, and what pages hold in it.
func (s *Sim) ChangeProperty(database, property string, change PropertyChange) error {
	return s.property(database, property, func(w *workspace.Workspace, ds *workspace.DataSource, p *schema.Property) error {
		after := *p
		if change.Name != nil {
			if *change.Name == "" {
				return errors.New("a property needs a name")
			}
			if other := ds.Schema.Find(*change.Name); other != nil && other != p {
				return fmt.Errorf("there is a property %q already", *change.Name)
			}
			after.Name = *change.Name
		}
		if change.Unsupported != nil {
			if p.Type != schema.Formula && p.Type != schema.RollupType {
				return fmt.Errorf("%s is a %s, and only a formula or a rollup can be unsupported", p.Name, p.Type)
			}
			after.Unsupported = *change.Unsupported
		}
		w.ChangeProperty(ds, p, &after, s.person())
		return nil
	})
}

// DropProperty removes a property of a database and what all pages hold in it.
func (s *Sim) DropProperty(database, property string) error {
	return s.property(database, property, func(w *workspace.Workspace, ds *workspace.DataSource, p *schema.Property) error {
		if p.ID == schema.TitleID {
			return errors.New("the title cannot be removed")
		}
		w.DropProperty(ds, p, s.person())
		return nil
	})
}

// RenameOption renames an option of a select, a multi_select or a status. Its id stays, and the pages that have it keep it.
// The option is named by its name or its id.
func (s *Sim) RenameOption(database, property, option, name string) error {
	return s.property(database, property, func(w *workspace.Workspace, ds *workspace.DataSource, p *schema.Property) error {
		after := *p
		after.Options = slices.Clone(p.Options)
		at := slices.IndexFunc(p.Options, func(o schema.Option) bool { return o.ID == option || o.Name == option })
		switch other, taken := p.OptionNamed(name); {
		case at < 0:
			return fmt.Errorf("%s has no option %q", p.Name, option)
		case name == "" || strings.Contains(name, ","):
			return fmt.Errorf("the name of an option may be neither empty nor have a comma, and is %q", name)
		case taken && other.ID != p.Options[at].ID:
			return fmt.Errorf("%s has an option %q already", p.Name, name)
		}
		after.Options[at].Name = name
		w.ChangeProperty(ds, p, &after, s.person())
		return nil
	})
}
