package mapping

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Found is a property of a Notion database that no mapping knows yet.
type Found struct {
	Live
	// RelatedTo is the kind that a relation leads to; "" where the mapping has none for it.
	RelatedTo string
	// OtherEnd is the id of the property of the same database that is a relation's other end; "" where there is none.
	OtherEnd string
}

// LeftOut is a property that a proposal leaves out, and why.
type LeftOut struct{ Property, Why string }

// rowKeyProperty is the property that a proposal has pages carry their row's id in, as the ACT databases do.
const rowKeyProperty = "Supabase ID"

// Propose returns the kind that would keep a database in step in a mapping: each property in a column that is named after it, of the
// type's usual column type, and relations to the mapping's own kinds in join tables. name is the kind's, taken as the table's too.
// The error says what is wrong with the name, or that a database of that name is there already.
func (m Mapping) Propose(name string, properties []Found) (Kind, []LeftOut, error) {
	kind := Kind{
		Name: name, Table: name, BaseTable: "notion_" + name,
		DatabaseIDVariable: "NOTION_" + strings.ToUpper(name) + "_DATABASE_ID", RowKeyProperty: rowKeyProperty,
	}
	var left []LeftOut
	properties = slices.SortedFunc(slices.Values(properties), func(a, b Found) int {
		isTitle := func(f Found) int {
			if f.Type == property.TypeTitle {
				return 0
			}
			return 1
		}
		return cmp.Or(isTitle(a)-isTitle(b), strings.Compare(a.Name, b.Name))
	})
	for _, p := range properties {
		switch {
		case p.Name == rowKeyProperty:
			continue
		case p.Type == property.TypeButton:
			left = append(left, LeftOut{p.Name, "a button has no value"})
			continue
		case p.OtherEnd != "" && slices.ContainsFunc(kind.Fields, func(f Field) bool { return f.Property == nameOf(properties, p.OtherEnd) }):
			left = append(left, LeftOut{p.Name, "it is the other end of " + nameOf(properties, p.OtherEnd)})
			continue
		case p.Type == property.TypeRelation && p.RelatedTo == "":
			left = append(left, LeftOut{p.Name, "it leads to a database that the mapping does not name"})
			continue
		}
		f := Field{Property: p.Name, Type: p.Type, Column: kind.column(p), ColumnType: p.Type.Columns()[0]}
		if p.Type == property.TypeRelation {
			f.Join = &Join{Kind: p.RelatedTo, Table: shortened(name + "_" + f.Column), From: shortened(name + "_id"), To: shortened(p.RelatedTo + "_id")}
			if f.Join.From == f.Join.To {
				f.Join.To = shortened("related_" + f.Join.To)
			}
		}
		kind.Fields = append(kind.Fields, f)
	}
	next := Mapping{Kinds: append(slices.Clone(m.Kinds), kind)}
	return kind, left, next.check()
}

func nameOf(properties []Found, id string) string {
	i := slices.IndexFunc(properties, func(f Found) bool { return f.ID == id })
	if i < 0 {
		return ""
	}
	return properties[i].Name
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// NameOf makes a name of a title: its letters from a to z and its digits, with _ for what stands between. "" where it has none.
func NameOf(title string) string {
	return strings.Trim(notInNames.ReplaceAllString(strings.ToLower(title), "_"), "_")
}

// column returns a free column for a property, named after it.
func (k Kind) column(p Found) string {
	name := NameOf(p.Name)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.Trim(string(p.Type)+"_"+name, "_") // of another script, or a number
	}
	if reserved(name) {
		name = "notion_" + name
	}
	name = shortened(name)
	for n, wanted := 2, name; ; n++ {
		if _, taken := k.Field(name); !taken {
			return name
		}
		suffix := fmt.Sprintf("_%d", n)
		name = wanted[:min(len(wanted), identifierMost-len(suffix))] + suffix
	}
}

// identifierMost is how long an identifier may be in Postgres, in bytes.
//
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
const identifierMost = 63

func shortened(name string) string { return name[:min(len(name), identifierMost)] }

// Migration returns the SQL that makes a kind's table and puts it in step, in the mapping that its relations lead to.
func (m Mapping) Migration(k Kind) string {
	var sql strings.Builder
	fmt.Fprintf(&sql, "-- +goose Up\ncreate table %s (\n", quoted(k.Table))
	fmt.Fprintf(&sql, "  id uuid primary key default gen_random_uuid(),\n")
	fmt.Fprintf(&sql, "  connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id) on delete cascade,\n")
	for _, f := range k.Fields {
		switch f.ColumnType {
		case JoinTable:
		case Boolean:
			fmt.Fprintf(&sql, "  %s boolean not null default false,\n", quoted(f.Column))
		default:
			fmt.Fprintf(&sql, "  %s %s,\n", quoted(f.Column), f.ColumnType)
		}
	}
	fmt.Fprintf(&sql, "  archived_at timestamptz,\n  created_at timestamptz not null default now(),\n  updated_at timestamptz not null default now()\n);\n\n")
	fmt.Fprintf(&sql, "call integration.keep_in_step('%s', '%s', '%s');\n", k.Name, k.Table, k.BaseTable)
	kinds := append(slices.Clone(m.Kinds), k)
	for _, r := range (Mapping{Kinds: kinds}).Relations(k.Name) {
		fmt.Fprintf(&sql, "call integration.keep_relation_in_step('%s', '%s', '%s',\n  '%s', '%s', '%s', '%s', '%s', '%s');\n", k.Name, r.Field, r.Join.Table,
			k.Table, k.BaseTable, r.Join.From, r.Related.Table, r.Related.BaseTable, r.Join.To)
	}
	return sql.String()
}

func quoted(identifier string) string { return `"` + identifier + `"` } // a column may be called order
