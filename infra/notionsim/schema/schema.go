// Package schema is the schema of a data source: its properties and what configures them.
package schema

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// The types of property that the simulator knows by name. Any other type is carried as it is, like one that Notion adds
// tomorrow.
//
// https://developers.notion.com/reference/property-object
const (
	Title          = "title"
	RichText       = "rich_text"
	Number         = "number"
	Select         = "select"
	Status         = "status"
	MultiSelect    = "multi_select"
	Checkbox       = "checkbox"
	Date           = "date"
	URL            = "url"
	Email          = "email"
	PhoneNumber    = "phone_number"
	People         = "people"
	Files          = "files"
	RelationType   = "relation"
	Formula        = "formula"
	RollupType     = "rollup"
	UniqueID       = "unique_id"
	CreatedTime    = "created_time"
	CreatedBy      = "created_by"
	LastEditedTime = "last_edited_time"
	LastEditedBy   = "last_edited_by"
	Button         = "button"
	Verification   = "verification"
	Place          = "place"
)

// TitleID is the id that the title has in every data source.
const TitleID = "title"

// Property is one column.
type Property struct {
	ID          string          `json:"id"` // as it is, not URL-encoded
	Name        string          `json:"name"`
	Type        string          `json:"type"`
	Description string          `json:"description,omitempty"`
	Options     []Option        `json:"options,omitempty"` // select, multi_select, status
	Groups      []Group         `json:"groups,omitempty"`  // status
	Format      string          `json:"format,omitempty"`  // number
	Relation    *Relation       `json:"relation,omitempty"`
	Rollup      *Rollup         `json:"rollup,omitempty"`
	Expression  string          `json:"expression,omitempty"`  // formula
	Prefix      string          `json:"prefix,omitempty"`      // unique_id
	NextNumber  int             `json:"next_number,omitempty"` // unique_id
	Config      json.RawMessage `json:"config,omitempty"`      // of a type that is not known
	Unsupported bool            `json:"unsupported,omitempty"` // a formula or a rollup whose results the API does not show
}

// Option is a choice of a select, a multi_select or a status.
type Option struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Color       string `json:"color"`
	Description string `json:"description,omitempty"`
}

// Group is a group of a status's options.
type Group struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Color     string   `json:"color"`
	OptionIDs []string `json:"option_ids"`
}

// Relation says where a relation leads.
type Relation struct {
	DataSourceID string `json:"data_source_id"`
	DatabaseID   string `json:"database_id"`
	SyncedID     string `json:"synced_id,omitempty"`   // the property at the other end, of a two-way relation
	SyncedName   string `json:"synced_name,omitempty"` // the name asked for at the other end, until the property is made
	Dual         bool   `json:"dual,omitempty"`
}

// Rollup says what a rollup gathers. While it is a request, each property may be an id or a name.
type Rollup struct {
	Relation string `json:"relation"`
	Property string `json:"property"`
	Function string `json:"function"`
}

// Schema is the properties of a data source: in the order of their ids, the title last, as Notion lists them.
type Schema []*Property

// ByID returns the property with an id.
func (s Schema) ByID(id string) *Property {
	for _, p := range s {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Find returns the property that a request names: by name, by id, or by URL-encoded id.
func (s Schema) Find(key string) *Property {
	for _, p := range s {
		if p.Name == key {
			return p
		}
	}
	for _, p := range s {
		if p.ID == key || p.EncodedID() == key {
			return p
		}
	}
	return nil
}

// Insert returns the schema with one more property.
func (s Schema) Insert(p *Property) Schema {
	s = append(slices.Clone(s), p)
	slices.SortFunc(s, func(a, b *Property) int {
		if (a.ID == TitleID) != (b.ID == TitleID) {
			if a.ID == TitleID {
				return 1
			}
			return -1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return s
}

// Without returns the schema without a property.
func (s Schema) Without(id string) Schema {
	return slices.DeleteFunc(slices.Clone(s), func(p *Property) bool { return p.ID == id })
}

// EncodedID returns the id as answers carry it.
func (p *Property) EncodedID() string { return url.QueryEscape(p.ID) }

// ReadOnly reports whether pages cannot be given a value for the property through the API.
func (p *Property) ReadOnly() bool {
	switch p.Type {
	case Title, RichText, Number, Select, Status, MultiSelect, Checkbox, Date, URL, Email, PhoneNumber, People, Files,
		RelationType, Place, Verification:
		return false
	default:
		return true
	}
}

// Option returns the option with an id.
func (p *Property) Option(id string) (Option, bool) {
	for _, o := range p.Options {
		if o.ID == id {
			return o, true
		}
	}
	return Option{}, false
}

// OptionNamed returns the option with a name.
func (p *Property) OptionNamed(name string) (Option, bool) {
	for _, o := range p.Options {
		if o.Name == name {
			return o, true
		}
	}
	return Option{}, false
}

// Known reports whether the type is one that the simulator knows by name.
func Known(name string) bool {
	p := Property{Type: name}
	if !p.ReadOnly() {
		return true
	}
	switch name {
	case Formula, RollupType, UniqueID, CreatedTime, CreatedBy, LastEditedTime, LastEditedBy, Button:
		return true
	default:
		return false
	}
}
