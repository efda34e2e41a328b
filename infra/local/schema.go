package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// proposeSchema prints what keeps another Notion database in step: the mapping's entry, the migration and the template's lines. It reads
// the database, and changes nothing.
func proposeSchema(ctx context.Context, settings settings, arguments []string, stdout io.Writer) error {
	if len(arguments) < 1 || len(arguments) > 2 {
		return errors.New("schema needs the id of a Notion database, and may have a name for its records: make schema DATABASE=<id> NAME=events")
	}
	values, err := notionValues(settings)
	if err != nil {
		return err
	}
	client := notion.New(notion.Config{
		BaseURL: values["NOTION_URL"], Tokens: fixedToken{secret.Of(values[config.NotionToken])},
		Budget: notion.NewWindow(notion.WindowConfig{Requests: 60, Period: time.Minute}),
	})
	database, err := client.Database(ctx, arguments[0])
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return fmt.Errorf("no Notion database %s is shared with the integration. Share it: ••• → Connections", arguments[0])
	case err != nil:
		return errors.New(fault.Message(err))
	case len(database.DataSources) != 1:
		return fmt.Errorf("the database has %d data sources. A synced database must have exactly one", len(database.DataSources))
	}
	source, err := client.DataSource(ctx, database.DataSources[0].ID)
	if err != nil {
		return errors.New(fault.Message(err))
	}
	name := mapping.NameOf(database.Title)
	if len(arguments) == 2 {
		name = arguments[1]
	}
	all := mapping.ACT()
	found, err := properties(ctx, client, source, name, databaseIDs(all, values))
	if err != nil {
		return err
	}
	kind, left, err := all.Propose(name, found)
	if err != nil {
		return fmt.Errorf("%w. Give another name: make schema DATABASE=%s NAME=<name>", err, arguments[0])
	}
	return printSchema(stdout, all, kind, left, database.ID)
}

// notionValues returns where Notion is and what else is set: the real workspace's where one is set, else the running system's.
func notionValues(settings settings) (map[string]string, error) {
	if settings.realNotion() {
		values := maps.Clone(settings.values)
		values["NOTION_URL"] = settings.notionAPI()
		return values, nil
	}
	values, err := settings.announced()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the system is not running, and NOTION_TOKEN is not set. Start the system with make run, in another terminal, or set NOTION_TOKEN to read your own workspace")
	}
	return values, err
}

// databaseIDs returns the kinds of the databases that are set.
func databaseIDs(m mapping.Mapping, values map[string]string) map[string]string {
	kinds := map[string]string{}
	for _, k := range m.Kinds {
		if id := values[k.DatabaseIDVariable]; id != "" {
			kinds[strings.ReplaceAll(id, "-", "")] = k.Name
		}
	}
	return kinds
}

// properties returns a database's properties, with the kinds that its relations lead to.
func properties(ctx context.Context, client *notion.Client, source notion.DataSource, name string, kinds map[string]string) ([]mapping.Found, error) {
	var all []mapping.Found
	for _, c := range source.Properties {
		f := mapping.Found{Live: mapping.Live{ID: c.ID, Name: c.Name, Type: c.Type}}
		if c.Type == property.TypeRelation && c.RelatedTo == source.ID {
			f.RelatedTo, f.OtherEnd = name, otherEnd(c)
		} else if c.Type == property.TypeRelation {
			other, err := client.DataSource(ctx, c.RelatedTo)
			if err != nil && fault.KindOf(err) != fault.NotFound {
				return nil, errors.New(fault.Message(err))
			}
			f.RelatedTo = kinds[strings.ReplaceAll(other.DatabaseID, "-", "")]
		}
		all = append(all, f)
	}
	return all, nil
}

// otherEnd returns the id of the property that is the other end of a two-way relation; "" of one that has none.
//
// https://developers.notion.com/reference/property-object#relation
func otherEnd(c notion.Column) string {
	var schema struct {
		Relation struct {
			Dual struct {
				ID string `json:"synced_property_id"`
			} `json:"dual_property"`
		} `json:"relation"`
	}
	_ = json.Unmarshal(c.Raw, &schema) // one that cannot be read has none
	return property.CanonicalID(schema.Relation.Dual.ID)
}

func printSchema(stdout io.Writer, all mapping.Mapping, kind mapping.Kind, left []mapping.LeftOut, databaseID string) error {
	entry, err := json.MarshalIndent(kind, "    ", "  ")
	if err != nil {
		return err
	}
	parameter := parameterName(kind.DatabaseIDVariable)
	var out strings.Builder
	fmt.Fprintf(&out, "1. In shared/sync/mapping/act.json, another entry of \"kinds\":\n\n    %s\n\n", entry)
	fmt.Fprintf(&out, "2. In a new file infra/migrations/%s_%s.sql (the next number):\n\n%s\n", "NNNN", kind.Name, all.Migration(kind))
	fmt.Fprintf(&out, "3. In template.yaml, under Parameters:\n\n  %s:\n    Type: String\n    Default: \"\"\n    Description: The Notion database of %s; empty leaves it out.\n\n", parameter, kind.Name)
	fmt.Fprintf(&out, "   and under Globals, Function, Environment, Variables:\n\n        %s: !Ref %s\n\n", kind.DatabaseIDVariable, parameter)
	fmt.Fprintf(&out, "4. In .env:\n\n%s=%s\n", kind.DatabaseIDVariable, databaseID)
	for i, l := range left {
		if i == 0 {
			out.WriteString("\nLeft out:\n")
		}
		fmt.Fprintf(&out, "  %s: %s\n", l.Property, l.Why)
	}
	_, err = io.WriteString(stdout, out.String())
	return err
}

// parameterName returns the template's parameter of a variable: NOTION_EVENTS_DATABASE_ID is NotionEventsDatabaseId.
func parameterName(variable string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(variable), "_") {
		if word != "" {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return name.String()
}

// fixedToken is a token that there is no other for.
type fixedToken struct{ token secret.Text }

// Token returns the token.
func (t fixedToken) Token(context.Context) (secret.Text, error) { return t.token, nil }

// Invalidate does nothing.
func (t fixedToken) Invalidate(secret.Text) {}
