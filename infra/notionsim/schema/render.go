package schema

import "github.com/act-platform/enhanced-integration/infra/notionsim/wire"

// Append writes the schema as answers carry it. Other gives the schema of another data source, of which a relation shows
// the name of a property.
func (s Schema) Append(b *wire.Buffer, other func(dataSourceID string) Schema) {
	b.Open()
	for _, p := range s {
		b.Name(p.Name).Open()
		b.Key("id").String(p.EncodedID())
		b.Key("name").String(p.Name)
		b.Key("description").StringOrNull(p.Description)
		b.Key("type").String(p.Type)
		b.Key(p.Type)
		s.config(b, p, other)
		b.Close()
	}
	b.Close()
}

func (s Schema) config(b *wire.Buffer, p *Property, other func(string) Schema) {
	if len(p.Config) > 0 {
		b.Raw(p.Config)
		return
	}
	b.Open()
	defer b.Close()
	switch p.Type {
	case Number:
		b.Key("format").String(p.Format)
	case Select, MultiSelect:
		appendOptions(b, p.Options)
	case Status:
		appendOptions(b, p.Options)
		b.Key("groups").Array()
		for _, g := range p.Groups {
			b.Open()
			b.Key("id").String(g.ID)
			b.Key("name").String(g.Name)
			b.Key("color").String(g.Color)
			b.Key("option_ids").Array()
			for _, id := range g.OptionIDs {
				b.String(id)
			}
			b.EndArray()
			b.Close()
		}
		b.EndArray()
	case RelationType:
		appendRelation(b, p.Relation, other)
	case RollupType:
		s.appendRollup(b, p.Rollup, other)
	case Formula:
		b.Key("expression").String(p.Expression)
	case UniqueID:
		b.Key("prefix").StringOrNull(p.Prefix)
	}
}

func appendOptions(b *wire.Buffer, options []Option) {
	b.Key("options").Array()
	for _, o := range options {
		b.Open()
		b.Key("id").String(o.ID)
		b.Key("name").String(o.Name)
		b.Key("color").String(o.Color)
		b.Key("description").StringOrNull(o.Description)
		b.Close()
	}
	b.EndArray()
}

func appendRelation(b *wire.Buffer, r *Relation, other func(string) Schema) {
	b.Key("database_id").String(r.DatabaseID)
	b.Key("data_source_id").String(r.DataSourceID)
	if !r.Dual {
		b.Key("type").String("single_property")
		b.Key("single_property").Open()
		b.Close()
		return
	}
	b.Key("type").String("dual_property")
	b.Key("dual_property").Open()
	if synced := other(r.DataSourceID).ByID(r.SyncedID); synced != nil {
		b.Key("synced_property_name").String(synced.Name)
		b.Key("synced_property_id").String(synced.EncodedID())
	}
	b.Close()
}

func (s Schema) appendRollup(b *wire.Buffer, r *Rollup, other func(string) Schema) {
	var relationName, propertyName string
	if relation := s.ByID(r.Relation); relation != nil && relation.Relation != nil {
		relationName = relation.Name
		if p := other(relation.Relation.DataSourceID).ByID(r.Property); p != nil {
			propertyName = p.Name
		}
	}
	b.Key("rollup_property_name").String(propertyName)
	b.Key("relation_property_name").String(relationName)
	b.Key("rollup_property_id").String(r.Property)
	b.Key("relation_property_id").String(r.Relation)
	b.Key("function").String(r.Function)
}
