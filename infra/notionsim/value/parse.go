package value

import (
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// Env is what reading a request's values must know of the workspace, as whoever sent the request sees it.
type Env interface {
	// HasUser reports whether there is a user or a group with an id.
	HasUser(id string) bool
	// SourceOf returns the data source of a page, "" for a page outside of all; false where the page is not to be seen.
	SourceOf(pageID string) (string, bool)
	// Actor is the id of the user who sent the request.
	Actor() string
	// NewID returns an id for what comes into being.
	NewID() string
	// KeepsZone reports whether dates keep the name of their time zone.
	KeepsZone() bool
	// KeepsSeconds reports whether dates keep seconds and milliseconds.
	KeepsSeconds() bool
	// NotFound is the error for what is not to be seen.
	NotFound(kind, id string) *wire.Error
}

// Parse reads the value of a property object in a request, such as {"number":1}. It gives nil for an empty one. Options that
// a select or a multi_select did not have yet are given beside it: they come into being if the request is accepted.
func Parse(p *schema.Property, n wire.Node, env Env) (Value, []schema.Option) {
	if !n.Object() {
		return nil, nil
	}
	if p.ReadOnly() {
		n.Refuse(wire.Validation("%s is a read-only property: a %s cannot be updated through the API.", p.Name, p.Type))
		return nil, nil
	}
	also := []string{"type"}
	if p.Type == schema.RelationType {
		also = append(also, "has_more")
	}
	n.Only(append(valueKeys(), also...)...)
	if !n.Get(p.Type).Present() {
		n.Refuse(wire.Validation("%s is expected to be %s.", p.Name, p.Type))
		return nil, nil
	}
	for _, k := range valueKeys() {
		if k != p.Type && n.Get(k).Present() {
			n.Get(k).Expect("not present")
		}
	}
	if n.Has("type") {
		n.Get("type").OneOf(p.Type)
	}
	v, fresh := parse(p, n.Get(p.Type), env)
	return OrNil(v), fresh
}

func valueKeys() []string {
	return []string{
		schema.Title, schema.RichText, schema.Number, schema.Select, schema.Status, schema.MultiSelect, schema.Checkbox,
		schema.Date, schema.URL, schema.Email, schema.PhoneNumber, schema.People, schema.Files, schema.RelationType,
		schema.Place, schema.Verification,
	}
}

func parse(p *schema.Property, n wire.Node, env Env) (Value, []schema.Option) {
	switch p.Type { // what is never null
	case schema.Title, schema.RichText:
		return ParseText(n, env), nil
	case schema.Checkbox:
		return Checked(n.Bool()), nil
	case schema.MultiSelect:
		return parseChoices(p, n, env)
	case schema.People:
		return parsePeople(n, env), nil
	case schema.Files:
		return parseFiles(n), nil
	case schema.RelationType:
		return parseRefs(p, n, env), nil
	case schema.Verification:
		return parseVerification(n, env), nil
	case schema.Status:
		return parseStatus(p, n), nil
	}
	if n.Null() {
		return nil, nil
	}
	switch p.Type {
	case schema.Number:
		return Number(n.Float()), nil
	case schema.URL:
		return Line(n.Bounded(maxURL)), nil
	case schema.Email, schema.PhoneNumber:
		return Line(n.Bounded(maxLine)), nil
	case schema.Date:
		return parseDate(n, env), nil
	case schema.Place:
		return parsePlace(n), nil
	default: // select
		option, fresh := choose(p, n, env)
		return Choice(option.ID), fresh
	}
}

// OrNil returns a value, or nil where it is empty: there is one way for a property to be empty.
func OrNil(v Value) Value {
	if empty(v) {
		return nil
	}
	return v
}

func empty(v Value) bool {
	switch v := v.(type) {
	case nil:
		return true
	case Text:
		return len(v) == 0
	case Choices:
		return len(v) == 0
	case People:
		return len(v) == 0
	case Files:
		return len(v) == 0
	case Refs:
		return len(v) == 0
	case Checked:
		return !bool(v)
	case Raw:
		return len(v) == 0
	default:
		return false
	}
}

// choose reads a select's option. One that is named and not there yet comes into being.
func choose(p *schema.Property, n wire.Node, env Env) (schema.Option, []schema.Option) {
	if !n.Object() {
		return schema.Option{}, nil
	}
	n.Only("id", "name", "color", "description")
	if n.Has("id") {
		o, ok := p.Option(n.Get("id").Bounded(schema.MaxOptionName))
		if !ok {
			n.Refuse(wire.Validation("%s does not have a select option with id %q.", p.Name, n.Get("id").Text()))
		}
		return o, nil
	}
	name := schema.OptionName(n.Get("name"))
	if o, ok := p.OptionNamed(name); ok {
		return o, nil
	}
	o := schema.Option{ID: env.NewID(), Name: name, Color: schema.AutoColor(name)}
	return o, []schema.Option{o}
}

func parseChoices(p *schema.Property, n wire.Node, env Env) (Value, []schema.Option) {
	var out Choices
	var fresh []schema.Option
	for _, item := range n.List(maxElements) {
		with := *p
		with.Options = append(slices.Clip(p.Options), fresh...)
		o, added := choose(&with, item, env)
		fresh = append(fresh, added...)
		if !slices.Contains(out, o.ID) {
			out = append(out, o.ID)
		}
	}
	return out, fresh
}

// parseStatus reads a status. Its options do not come into being by being written; null is the first option.
func parseStatus(p *schema.Property, n wire.Node) Value {
	if n.Null() {
		if len(p.Options) == 0 {
			return nil
		}
		return Choice(p.Options[0].ID)
	}
	if !n.Object() {
		return nil
	}
	n.Only("id", "name", "color", "description")
	if n.Has("id") {
		if o, ok := p.Option(n.Get("id").Bounded(schema.MaxOptionName)); ok {
			return Choice(o.ID)
		}
		n.Refuse(wire.Validation("Invalid status option. Status option with ID %q does not exist.", n.Get("id").Text()))
		return nil
	}
	name := n.Get("name").Bounded(schema.MaxOptionName)
	o, ok := p.OptionNamed(name)
	if !ok {
		n.Refuse(wire.Validation("Invalid status option. Status option %q does not exist.", name))
		return nil
	}
	return Choice(o.ID)
}

func parsePeople(n wire.Node, env Env) Value {
	var out People
	for _, item := range n.List(maxElements) {
		if !item.Object() {
			return nil
		}
		if id := userID(item.Get("id"), env); !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func parseRefs(p *schema.Property, n wire.Node, env Env) Value {
	var out Refs
	for _, item := range n.List(maxElements) {
		if !item.Object() {
			return nil
		}
		item.Only("id")
		id, source := pageID(item.Get("id"), env)
		if source != p.Relation.DataSourceID {
			item.Refuse(wire.Validation("Page %s is not in the data source that the relation %s leads to.", id, p.Name))
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// HostedPrefix begins the address of every hosted file. What follows it is the file's path, then the signature.
const HostedPrefix = "https://prod-files-secure.s3.us-west-2.amazonaws.com/"

func parseFiles(n wire.Node) Value {
	var out Files
	for _, item := range n.List(maxElements) {
		if !item.Object() {
			return nil
		}
		item.Only("name", "type", "external", "file", "file_upload")
		f := File{Name: item.Get("name").Bounded(maxElements)}
		switch kind := firstOf(item, "external", "file"); kind {
		case "external":
			f.URL = item.Get(kind).Get("url").Bounded(maxURL)
		case "file":
			address := item.Get(kind).Get("url").Bounded(maxURL)
			path, hosted := strings.CutPrefix(address, HostedPrefix)
			if !hosted {
				item.Expect("a file that Notion hosts")
			}
			f.Path, _, _ = strings.Cut(path, "?")
		default:
			item.Get("external").Expect("defined")
		}
		out = append(out, f)
	}
	return out
}

func parsePlace(n wire.Node) Value {
	if !n.Object() {
		return nil
	}
	n.Only("lat", "lon", "name", "address", "aws_place_id", "google_place_id")
	var b wire.Buffer
	b.Open()
	b.Key("lat").Float(n.Get("lat").Float())
	b.Key("lon").Float(n.Get("lon").Float())
	for _, k := range []string{"name", "address", "aws_place_id", "google_place_id"} {
		b.Key(k)
		if n.Has(k) {
			b.String(n.Get(k).AtMost(maxContent))
		} else {
			b.Null()
		}
	}
	b.Close()
	return Raw(b.Bytes())
}

func parseVerification(n wire.Node, env Env) Value {
	if !n.Object() || n.Get("state").OneOf("verified", "unverified") != "verified" {
		return nil
	}
	n.Only("state", "date")
	v := Verification{State: "verified", By: env.Actor()}
	if n.Has("date") {
		v.Date = parseDate(n.Get("date"), env)
	}
	return v
}

// userID reads the id of a user or group that exists.
func userID(n wire.Node, env Env) string {
	id := n.UUID()
	if id != "" && !env.HasUser(id) {
		n.Refuse(env.NotFound("user", id))
	}
	return id
}

// pageID reads the id of a page that is to be seen, and gives its data source.
func pageID(n wire.Node, env Env) (id, source string) {
	id = n.UUID()
	if id == "" {
		return "", ""
	}
	source, ok := env.SourceOf(id)
	if !ok {
		n.Refuse(env.NotFound("page", id))
	}
	return id, source
}
