// Package demo is the content of the demo workspace: the four databases of the ACT platform with ninety records, and as many
// more made-up records as a test wants. The same seed gives the same content, whatever the time.
package demo

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

//go:embed data/*.yaml
var files embed.FS

// database describes one of the databases.
type database struct {
	Kind       string
	Title      string
	Properties yaml.Node // name → type, in the order of the file
}

// record is what one page holds, by the names of its properties.
type record map[string]any

// Kinds returns the kinds of record, each of which has a database.
func Kinds() []string { return []string{"partners", "projects", "opportunities", "organizations"} }

// DatabaseID returns the id of the database of a kind.
func DatabaseID(seed int64, kind string) string { return ident.UUID(seed, "database", kind) }

// DataSourceID returns the id of the data source of a kind, which is not the id of its database.
func DataSourceID(seed int64, kind string) string { return ident.UUID(seed, "data source", kind) }

// HomeID returns the id of the page in which the databases stand.
func HomeID(seed int64) string { return ident.UUID(seed, "home") }

// BotID returns the id of the integration's bot.
func BotID(seed int64) string { return ident.UUID(seed, "bot") }

// PersonID returns the id of the person who has a token.
func PersonID(seed int64) string { return userID(seed, people()[0]) }

func userID(seed int64, name string) string { return ident.UUID(seed, "user", name) }
func pageID(seed int64, name string) string { return ident.UUID(seed, "page", name) }

// BotName is the name of the integration.
const BotName = "ACT Enhanced Integration"

func people() []string {
	return []string{"Nicola Vance", "Marnie Okafor", "Priya Raman", "Jarrah Whitlock", "Lien Nguyen", "Tobias Renner"}
}

// Open puts what every workspace has into an empty one: its users, and a page to put databases into.
func Open(w *workspace.Workspace) {
	seed := w.Seed()
	addUsers(w)
	w.AddPages("", &workspace.Page{
		ID: HomeID(seed), Created: opening(), Edited: opening(), CreatedBy: PersonID(seed), EditedBy: PersonID(seed),
		Values: map[string]value.Value{schema.TitleID: value.Plain(workspace.Name)},
	})
}

// Fill puts the demo content into an open workspace.
func Fill(w *workspace.Workspace) error {
	seed := w.Seed()
	data, err := content()
	if err != nil {
		return err
	}
	schemas, err := buildSchemas(seed, data.databases)
	if err != nil {
		return err
	}
	for i, d := range data.databases {
		at := opening().Add(time.Duration(i) * time.Minute)
		w.AddDatabase(
			&workspace.Database{ID: DatabaseID(seed, d.Kind), Title: value.Plain(d.Title), ParentPage: HomeID(seed), Created: at, Edited: at},
			&workspace.DataSource{
				ID: DataSourceID(seed, d.Kind), Title: value.Plain(d.Title), Schema: schemas[d.Kind],
				Created: at, Edited: at, CreatedBy: PersonID(seed), EditedBy: PersonID(seed),
			},
		)
	}
	for _, kind := range Kinds() {
		addRecords(w, kind, schemas[kind], data.records[kind])
	}
	return relateAll(w, schemas, data.records)
}

// opening is when the workspace was set up; all its content is younger.
func opening() time.Time { return time.Date(2024, time.January, 8, 23, 5, 12, 0, time.UTC) }

func addUsers(w *workspace.Workspace) {
	seed := w.Seed()
	for _, name := range people() {
		first, _, _ := strings.Cut(strings.ToLower(name), " ")
		w.AddUser(workspace.User{
			ID: userID(seed, name), Kind: "person", Name: name, Email: first + "@act.example", Avatar: "https://example.org/avatar/" + first + ".png",
		})
	}
	w.AddUser(workspace.User{ID: BotID(seed), Kind: "bot", Name: BotName})
	w.AddUser(workspace.User{ID: ident.UUID(seed, "group"), Kind: "group", Name: "Core team"})
}

// contents is what the data files hold.
type contents struct {
	databases []database
	records   map[string][]record // by kind
}

// content reads the data files. They are part of the program: once is enough, and nobody changes what was read.
//
//nolint:gochecknoglobals // a constant that has to be read
var content = sync.OnceValues(func() (contents, error) {
	c := contents{records: make(map[string][]record)}
	err := load("databases", &c.databases)
	for _, kind := range Kinds() {
		var records []record
		err = errors.Join(err, load(kind, &records))
		c.records[kind] = records
	}
	return c, err
})

// load reads one of the data files.
func load(name string, into any) error {
	raw, err := files.ReadFile("data/" + name + ".yaml")
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("demo data %s: %w", name, err)
	}
	return nil
}

// buildSchemas makes the schema of each database.
func buildSchemas(seed int64, databases []database) (map[string]schema.Schema, error) {
	schemas := make(map[string]schema.Schema)
	for _, d := range databases {
		for i := 0; i+1 < len(d.Properties.Content); i += 2 {
			p, err := buildProperty(seed, d.Kind, d.Properties.Content[i].Value, d.Properties.Content[i+1])
			if err != nil {
				return nil, err
			}
			schemas[d.Kind] = schemas[d.Kind].Insert(p)
		}
	}
	return schemas, nil
}

func buildProperty(seed int64, kind, name string, n *yaml.Node) (*schema.Property, error) {
	p := &schema.Property{ID: propertyID(seed, kind, name), Name: name, Type: n.Value}
	var config struct {
		Select   []string
		Relation string
	}
	if n.Kind == yaml.MappingNode {
		if err := n.Decode(&config); err != nil {
			return nil, fmt.Errorf("demo data: %s of %s: %w", name, kind, err)
		}
	}
	switch {
	case config.Relation != "":
		p.Type = schema.RelationType
		p.Relation = &schema.Relation{
			DataSourceID: DataSourceID(seed, config.Relation), DatabaseID: DatabaseID(seed, config.Relation), Dual: true,
			SyncedID: propertyID(seed, config.Relation, titleOf(kind)),
		}
	case config.Select != nil:
		p.Type = schema.Select
		for _, o := range config.Select {
			p.Options = append(p.Options, newOption(seed, kind, name, o))
		}
	case p.Type == schema.Title:
		p.ID = schema.TitleID
	case p.Type == schema.Number:
		p.Format = "number"
	}
	return p, nil
}

func newOption(seed int64, kind, property, name string) schema.Option {
	return schema.Option{ID: ident.UUID(seed, "option", kind, property, name), Name: name, Color: schema.AutoColor(name)}
}

func propertyID(seed int64, kind, name string) string { return ident.Property(seed, kind, name) }

// titleOf returns the name by which other databases' relations call a kind.
func titleOf(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] }
