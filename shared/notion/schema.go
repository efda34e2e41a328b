package notion

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Database is a container of data sources. Versions before 2025-09-03 list none.
//
// https://developers.notion.com/reference/database
type Database struct {
	ID          string
	Title       string
	InTrash     bool
	DataSources []DataSourceRef
}

// DataSourceRef names a data source of a database.
type DataSourceRef struct {
	ID, Name string
}

// DataSource is a table and its schema.
//
// https://developers.notion.com/reference/data-source
type DataSource struct {
	ID         string
	DatabaseID string
	Title      string
	InTrash    bool
	Properties map[string]Column // by property id, as property.CanonicalID spells it
}

// Column is the schema of a property.
//
// https://developers.notion.com/reference/property-object
type Column struct {
	ID      string
	Name    string
	Type    property.Type
	Options []Option // of a select, status or multi_select, in Notion's order
	// RelatedTo is the data source that a relation leads to; before version 2025-09-03, the database.
	RelatedTo string
	Raw       json.RawMessage
}

// Option is one choice of a select, status or multi_select.
type Option struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color"`
}

// Database reads a database.
//
// https://developers.notion.com/reference/retrieve-database
func (c *Client) Database(ctx context.Context, id string) (Database, error) {
	segment, err := pathID(id)
	if err != nil {
		return Database{}, err
	}
	var raw json.RawMessage
	if _, err := c.call(ctx, http.MethodGet, "/v1/databases/"+segment, nil, &raw); err != nil {
		return Database{}, err
	}
	database, err := parseDatabase(raw)
	return database, fault.Wrap(err, fault.Unavailable, "Notion answered with something that is no database")
}

func parseDatabase(raw json.RawMessage) (Database, error) {
	var answer struct {
		container
		DataSources []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"data_sources"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return Database{}, err
	}
	title, err := answer.title()
	if err != nil {
		return Database{}, err
	}
	database := Database{ID: canonicalID(answer.ID), Title: title, InTrash: answer.InTrash || answer.Archived}
	for _, source := range answer.DataSources {
		database.DataSources = append(database.DataSources, DataSourceRef{ID: canonicalID(source.ID), Name: source.Name})
	}
	return database, nil
}

// container is what databases and data sources have in common.
type container struct {
	ID       string          `json:"id"`
	RichText json.RawMessage `json:"title"`
	InTrash  bool            `json:"in_trash"`
	Archived bool            `json:"archived"`
}

func (c container) title() (string, error) {
	if c.ID == "" {
		return "", fault.New(fault.Invalid, "It has no id.")
	}
	if c.RichText == nil {
		return "", nil
	}
	raw, err := json.Marshal(map[string]any{"type": property.TypeTitle, "title": c.RichText})
	if err != nil {
		return "", err
	}
	title, err := property.Decode(raw)
	text, _ := title.Value.(property.Text)
	return property.PlainText(text), err
}

// DataSource reads a data source and its schema.
//
// https://developers.notion.com/reference/retrieve-a-data-source
func (c *Client) DataSource(ctx context.Context, id string) (DataSource, error) {
	return c.dataSource(ctx, http.MethodGet, id, nil)
}

// AddProperty adds a property that needs no configuration, such as a text or a checkbox, and returns its id. One that has the name already becomes
// of the type.
//
// https://developers.notion.com/reference/update-data-source-properties
func (c *Client) AddProperty(ctx context.Context, dataSourceID, name string, t property.Type) (id string, err error) {
	schema := map[property.Type]struct{}{t: {}}
	source, err := c.dataSource(ctx, http.MethodPatch, dataSourceID, map[string]any{"properties": map[string]any{name: schema}})
	if err != nil {
		return "", err
	}
	for id, column := range source.Properties {
		if column.Name == name {
			return id, nil
		}
	}
	return "", fault.New(fault.Unavailable, "Notion's answer does not have the property that was added.")
}

func (c *Client) dataSource(ctx context.Context, method, id string, body any) (DataSource, error) {
	segment, err := pathID(id)
	if err != nil {
		return DataSource{}, err
	}
	var raw json.RawMessage
	if _, err := c.call(ctx, method, "/v1/data_sources/"+segment, body, &raw); err != nil {
		return DataSource{}, err
	}
	source, err := parseDataSource(raw)
	return source, fault.Wrap(err, fault.Unavailable, "Notion answered with something that is no data source")
}

func parseDataSource(raw json.RawMessage) (DataSource, error) {
	var answer struct {
		container
		Parent     parent                     `json:"parent"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return DataSource{}, err
	}
	title, err := answer.title()
	if err != nil {
		return DataSource{}, err
	}
	source := DataSource{
		ID: canonicalID(answer.ID), DatabaseID: canonicalID(answer.Parent.DatabaseID), Title: title,
		InTrash: answer.InTrash || answer.Archived, Properties: make(map[string]Column, len(answer.Properties)),
	}
	for name, schema := range answer.Properties {
		column, err := parseColumn(name, schema)
		if err != nil {
			return DataSource{}, err
		}
		source.Properties[column.ID] = column
	}
	return source, nil
}

func parseColumn(name string, raw json.RawMessage) (Column, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return Column{}, err
	}
	var head struct {
		ID   string        `json:"id"`
		Type property.Type `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Column{}, err
	}
	column := Column{ID: property.CanonicalID(head.ID), Name: name, Type: head.Type, Raw: raw}
	var config struct {
		Options      []Option `json:"options"`
		DataSourceID string   `json:"data_source_id"`
		DatabaseID   string   `json:"database_id"`
	}
	switch head.Type {
	case property.TypeSelect, property.TypeStatus, property.TypeMultiSelect, property.TypeRelation:
		if err := json.Unmarshal(fields[string(head.Type)], &config); err != nil {
			return Column{}, err
		}
	default:
		return column, nil
	}
	column.Options = config.Options
	column.RelatedTo = canonicalID(cmp.Or(config.DataSourceID, config.DatabaseID))
	return column, nil
}
