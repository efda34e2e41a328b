package schema

import (
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// The limits that Notion puts on a schema.
const (
	maxOptions    = 100
	MaxOptionName = 100 // characters in the name of an option
	maxName       = 2000
	maxPrefix     = 100

	maxDescription = 280
	maxExpression  = 10_000 // 3,930 were accepted; where the limit is nobody recorded
)

// colors are what an option may have.
func colors() []string {
	return []string{"default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"}
}

// configurable are the types that a request may give a property.
func configurable() []string {
	return []string{
		Title, RichText, Number, Select, Status, MultiSelect, Checkbox, Date, URL, Email, PhoneNumber, People, Files,
		RelationType, Formula, RollupType, UniqueID, CreatedTime, CreatedBy, LastEditedTime, LastEditedBy, Place,
	}
}

// Configurable reports whether a request may give a property a type.
func Configurable(kind string) bool { return slices.Contains(configurable(), kind) }

// Requested returns the type that a property's configuration in a request is for, and "" where it has none: then it is at
// most a new name.
func Requested(n wire.Node) string {
	if !n.Object() {
		return ""
	}
	n.Only(append(configurable(), "id", "type", "name", "description")...)
	var found []string
	for _, t := range configurable() {
		if n.Get(t).Present() {
			found = append(found, t)
		}
	}
	switch {
	case len(found) > 1:
		n.Get(found[1]).Expect("not present")
		return ""
	case len(found) == 0 && n.Has("type"):
		n.Get(n.Get("type").Text()).Expect("defined")
		return ""
	case len(found) == 0:
		return ""
	}
	if n.Has("type") {
		n.Get("type").OneOf(found[0])
	}
	return found[0]
}

// Configure returns the property as a request wants it. It starts from before, which is not changed; where that is of another
// type, or nil, the configuration starts afresh. Relations and rollups keep the names the request uses until the workspace
// resolves them.
func Configure(before *Property, n wire.Node, newID func() string) *Property {
	kind := Requested(n)
	p := &Property{}
	if before != nil {
		*p = *before
		p.Options, p.Groups = slices.Clone(before.Options), slices.Clone(before.Groups)
	}
	if id := n.Get("id"); id.Present() && (before == nil || (id.Text() != before.ID && id.Text() != before.EncodedID())) {
		id.Expect("the id of the property itself")
	}
	if n.Has("name") {
		p.Name = n.Get("name").Bounded(maxName)
	}
	switch description := n.Get("description"); {
	case description.Null():
		p.Description = ""
	case description.Present():
		p.Description = description.AtMost(maxDescription)
	}
	if kind == "" {
		return p
	}
	if kind != p.Type {
		*p = Property{ID: p.ID, Name: p.Name, Type: kind, Description: p.Description}
	}
	config := n.Get(kind)
	if !config.Object() {
		return p
	}
	switch kind {
	case Number:
		config.Only("format")
		if config.Has("format") {
			p.Format = config.Get("format").Bounded(100)
		} else if p.Format == "" {
			p.Format = "number"
		}
	case Select, MultiSelect:
		config.Only("options")
		if config.Present() && config.Has("options") {
			p.Options = options(p, config.Get("options"), newID)
		}
	case Status:
		config.Only("options")
		p.status(config, newID)
	case RelationType:
		p.Relation = relation(p.Relation, config)
	case RollupType:
		p.Rollup = rollup(config)
	case Formula:
		config.Only("expression")
		p.Expression = config.Get("expression").Bounded(maxExpression)
	case UniqueID:
		config.Only("prefix")
		if config.Has("prefix") {
			p.Prefix = config.Get("prefix").Bounded(maxPrefix)
		}
		p.NextNumber = max(p.NextNumber, 1)
	default:
		config.Only()
	}
	return p
}

// options reads a list of options, which replaces the one before: an option is found again by its id or its name, and one
// that is left out goes.
func options(p *Property, n wire.Node, newID func() string) []Option {
	var out []Option
	for _, item := range n.List(maxOptions) {
		if !item.Object() {
			return nil
		}
		item.Only("id", "name", "color", "description")
		o, exists := Option{}, false
		if item.Has("id") {
			o, exists = p.Option(item.Get("id").Bounded(MaxOptionName))
		}
		if !exists && item.Has("name") {
			o, exists = p.OptionNamed(item.Get("name").Bounded(MaxOptionName))
		}
		if item.Has("name") || !exists {
			o.Name = OptionName(item.Get("name"))
		}
		if item.Has("color") {
			color := item.Get("color").OneOf(colors()...)
			if exists && color != o.Color {
				item.Refuse(wire.Validation("Cannot update color of select with name: %s.", o.Name))
			}
			o.Color = color
		}
		if item.Has("description") {
			o.Description = item.Get("description").Bounded(maxName)
		}
		if !exists {
			o.ID = newID()
			if o.Color == "" {
				o.Color = "default"
			}
		}
		if slices.ContainsFunc(out, func(other Option) bool { return other.Name == o.Name }) {
			item.Refuse(wire.Validation("Select option names must be unique: %s is used more than once.", o.Name))
		}
		out = append(out, o)
	}
	return out
}

// OptionName reads the name of an option: not empty, not too long, and without the comma that Notion keeps for itself.
func OptionName(n wire.Node) string {
	name := n.Bounded(MaxOptionName)
	if strings.Contains(name, ",") {
		n.Refuse(wire.Validation("Invalid select option, commas not allowed: %s", name))
	}
	return name
}

// status sets the options of a status. Those there before keep name, color and group; new ones stand in the first group.
func (p *Property) status(n wire.Node, newID func() string) {
	if len(p.Groups) == 0 {
		p.Options = []Option{
			{ID: newID(), Name: "Not started", Color: "default"},
			{ID: newID(), Name: "In progress", Color: "blue"},
			{ID: newID(), Name: "Done", Color: "green"},
		}
		for i, g := range []Group{{Name: "To-do", Color: "gray"}, {Name: "In progress", Color: "blue"}, {Name: "Complete", Color: "green"}} {
			g.ID, g.OptionIDs = newID(), []string{p.Options[i].ID}
			p.Groups = append(p.Groups, g)
		}
	}
	if !n.Has("options") {
		return
	}
	wanted := options(p, n.Get("options"), newID)
	for i, o := range wanted {
		if old, exists := p.Option(o.ID); exists {
			wanted[i] = old
		} else {
			p.Groups[0].OptionIDs = append(slices.Clone(p.Groups[0].OptionIDs), o.ID)
		}
	}
	for i := range p.Groups {
		p.Groups[i].OptionIDs = slices.DeleteFunc(slices.Clone(p.Groups[i].OptionIDs), func(id string) bool {
			return !slices.ContainsFunc(wanted, func(o Option) bool { return o.ID == id })
		})
	}
	p.Options = wanted
}

// relation reads where a relation leads. One that leads where it led before keeps the property at the other end.
func relation(before *Relation, n wire.Node) *Relation {
	n.Only("data_source_id", "database_id", "type", "single_property", "dual_property")
	r := &Relation{DataSourceID: n.Get("data_source_id").UUID()}
	if before != nil && before.DataSourceID == r.DataSourceID {
		r.DatabaseID, r.SyncedID = before.DatabaseID, before.SyncedID
	}
	switch {
	case n.Present() && n.Has("dual_property"):
		r.Dual = true
		dual := n.Get("dual_property")
		if dual.Has("synced_property_name") {
			r.SyncedName = dual.Get("synced_property_name").Bounded(maxName)
		}
	case !n.Has("single_property"):
		n.Get("single_property").Expect("defined")
	}
	return r
}

func rollup(n wire.Node) *Rollup {
	n.Only("function", "relation_property_name", "relation_property_id", "rollup_property_name", "rollup_property_id")
	either := func(name, id string) string {
		if n.Has(id) {
			return n.Get(id).Bounded(maxName)
		}
		return n.Get(name).Bounded(maxName)
	}
	return &Rollup{
		Function: n.Get("function").OneOf(functions()...),
		Relation: either("relation_property_name", "relation_property_id"),
		Property: either("rollup_property_name", "rollup_property_id"),
	}
}

// functions are what a rollup may do with what it gathers.
func functions() []string {
	return []string{
		"count", "count_values", "empty", "not_empty", "unique", "show_unique", "percent_empty", "percent_not_empty",
		"sum", "average", "median", "min", "max", "range", "earliest_date", "latest_date", "date_range",
		"checked", "unchecked", "percent_checked", "percent_unchecked", "count_per_group", "percent_per_group", "show_original",
	}
}

// AutoColor is the color of an option that came into being by being written to a page.
func AutoColor(name string) string {
	sum := 0
	for _, r := range name {
		sum += int(r)
	}
	all := colors()
	return all[sum%len(all)]
}
