// Package mapping says which Notion databases are kept in step with which tables, property by column. A mapping is data:
// the four databases of the ACT platform are embedded, another is a JSON file of the same shape. Pure.
package mapping

import (
	"bytes"
	_ "embed" // for the default mapping
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

//go:embed act.json
var act []byte

// Mapping is everything that is kept in step over one connection.
type Mapping struct {
	Kinds []Kind `json:"kinds"`
}

// Kind is one sort of record: a Notion database on one side, a table on the other, and the table between them that keeps
// what both are known to have had.
type Kind struct {
	Name      string `json:"name"`
	Table     string `json:"table"`
	BaseTable string `json:"base_table"`
	// DatabaseIDVariable is the environment variable that names the Notion database.
	DatabaseIDVariable string `json:"database_id_variable"`
	// RowKeyProperty is the text property of the Notion database in which the pages that this system creates carry their
	// row's id; added to the database when it is missing. "" leaves the database as it is.
	RowKeyProperty string `json:"row_key_property"`
	// Rule settles the kind's fields that both sides changed; "" is the connection's.
	Rule string `json:"rule,omitempty"`
	// Key is the text column whose value tells records apart, by which they are matched when two filled sides meet; "" when none does.
	Key    string  `json:"key,omitempty"`
	Fields []Field `json:"fields"`
}

// Field is one property of the database and the column that holds it. The column's name is the field's name everywhere:
// in events, conflicts and policies.
type Field struct {
	Property   string        `json:"property"` // Notion's name for it when first met; after that its id is followed
	Type       property.Type `json:"type"`
	Column     string        `json:"column"`
	ColumnType ColumnType    `json:"column_type"`
	Rule       string        `json:"rule,omitempty"` // as the kind's; "" is the kind's
	Join       *Join         `json:"join"`           // of a relation, and of nothing else
	// Stored is what the column really is, nil where nobody asked the catalogue; see With.
	Stored *property.Column `json:"-"`
}

// ColumnType is the SQL type of a column, as Postgres spells it.
type ColumnType = property.ColumnType

// The column types that a field may have.
const (
	Text        = property.ColumnText
	TextArray   = property.ColumnTextArray
	Numeric     = property.ColumnNumeric
	Double      = property.ColumnDouble
	Integer     = property.ColumnInteger
	BigInt      = property.ColumnBigInt
	Boolean     = property.ColumnBoolean
	Day         = property.ColumnDay
	Timestamptz = property.ColumnTimestamptz
	JSONB       = property.ColumnJSONB
	JoinTable   = property.ColumnJoin
)

// ACT returns the mapping of the four ACT databases.
func ACT() Mapping {
	m, err := Parse(act)
	if err != nil {
		panic("the embedded mapping is broken: " + err.Error()) // a test parses it
	}
	return m
}

// Parse reads a mapping and checks it; the error lists everything that is wrong, each with its place.
func Parse(data []byte) (Mapping, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var m Mapping
	if err := dec.Decode(&m); err != nil {
		return Mapping{}, fmt.Errorf("the mapping cannot be read: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Mapping{}, errors.New("the mapping cannot be read: something follows its end")
	}
	for i := range m.Kinds {
		for j := range m.Kinds[i].Fields {
			f := &m.Kinds[i].Fields[j]
			if f.ColumnType == "" {
				f.ColumnType = f.Type.Columns()[0]
			}
		}
	}
	return m, m.check()
}

// Kind returns the kind of that name.
func (m Mapping) Kind(name string) (Kind, bool) {
	i := slices.IndexFunc(m.Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return m.Kinds[i], true
}

// SetAside is a database of the mapping that is not synced, or one of its relations, because something else has the names of its tables.
type SetAside struct {
	Kind   string `json:"kind"`
	Field  string `json:"field"` // "": the whole database
	Reason string `json:"reason"`
}

// Without returns the mapping without what is set aside.
func (m Mapping) Without(aside []SetAside) Mapping {
	is := func(kind, field string) bool {
		return slices.ContainsFunc(aside, func(s SetAside) bool { return s.Kind == kind && s.Field == field })
	}
	var kinds []Kind
	for _, k := range m.Kinds {
		if is(k.Name, "") {
			continue
		}
		k.Fields = slices.DeleteFunc(slices.Clone(k.Fields), func(f Field) bool { return is(k.Name, f.Column) })
		kinds = append(kinds, k)
	}
	return Mapping{Kinds: kinds}
}

// Names returns the kinds' names, in the mapping's order.
func (m Mapping) Names() []string {
	names := make([]string, len(m.Kinds))
	for i, k := range m.Kinds {
		names[i] = k.Name
	}
	return names
}

// KeyField returns the field that tells records apart, false when the mapping names none.
func (k Kind) KeyField() (Field, bool) { return k.Field(k.Key) }

// Field returns the field of that column.
func (k Kind) Field(column string) (Field, bool) {
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Column == column })
	if i < 0 {
		return Field{}, false
	}
	return k.Fields[i], true
}

// Title returns the field that holds the pages' titles.
func (k Kind) Title() Field {
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Type == property.TypeTitle })
	return k.Fields[i] // check saw that there is one
}

var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// reserved are the columns that every table of records has beside its fields.
func reserved(column string) bool {
	return slices.Contains([]string{"id", "connection_id", "archived_at", "created_at", "updated_at"}, column)
}

// rule reports whether a field may go by that rule; merge says what they do.
func rule(r string) bool {
	return slices.Contains([]string{"", "newest", "notion", "supabase", "manual", "words"}, r)
}

func (m Mapping) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(m.Kinds) == 0 {
		fail("the mapping names no kinds")
	}
	names, tables := map[string]bool{}, map[string]bool{}
	for i, k := range m.Kinds {
		if !identifier.MatchString(k.Name) || names[k.Name] {
			fail("kind %d: the name %q must be lower-case letters, digits and _, and stand once", i+1, k.Name)
		}
		names[k.Name] = true
		if !rule(k.Rule) {
			fail("%s: the rule %q must be newest, notion, supabase, manual or words", k.Name, k.Rule)
		}
		for _, t := range []string{k.Table, k.BaseTable} {
			if !identifier.MatchString(t) || tables[t] {
				fail("%s: the table %q must be lower-case letters, digits and _, and stand once", k.Name, t)
			}
			tables[t] = true
		}
		k.checkFields(fail)
	}
	for _, k := range m.Kinds {
		for _, f := range k.Fields {
			m.checkJoin(k, f, tables, fail)
		}
	}
	return errors.Join(errs...)
}

func (k Kind) checkFields(fail func(string, ...any)) {
	columns, properties, titles := map[string]bool{}, map[string]bool{}, 0
	for _, f := range k.Fields {
		if f.Property == "" || properties[f.Property] {
			fail("%s: the property %q must have a name and stand once", k.Name, f.Property)
		}
		if f.Property == k.RowKeyProperty {
			fail("%s: the property %q holds the row's id and cannot be a field too", k.Name, f.Property)
		}
		properties[f.Property] = true
		if !identifier.MatchString(f.Column) || reserved(f.Column) || columns[f.Column] {
			fail("%s, property %q: the column %q must be lower-case letters, digits and _, be none of id, connection_id, archived_at, created_at, updated_at, and stand once", k.Name, f.Property, f.Column)
		}
		columns[f.Column] = true
		if !rule(f.Rule) {
			fail("%s, property %q: the rule %q must be newest, notion, supabase, manual or words", k.Name, f.Property, f.Rule)
		}
		if f.Type == "" {
			fail("%s, property %q: the type %q cannot be a field", k.Name, f.Property, f.Type)
		} else if allowed := f.Type.Columns(); !slices.Contains(allowed, f.ColumnType) {
			fail("%s, property %q: a %s is kept in one of %q, not in %q", k.Name, f.Property, f.Type, allowed, f.ColumnType)
		}
		if f.Type == property.TypeTitle {
			titles++
		}
	}
	if key, found := k.KeyField(); k.Key != "" && (!found || key.ColumnType != Text) {
		fail("%s: the key %q must be one of the kind's text columns", k.Name, k.Key)
	}
	if titles != 1 {
		fail("%s: exactly one field must be the title, %d are", k.Name, titles)
	}
}
