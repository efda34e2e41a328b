package mapping_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

func found(name string, t property.Type, relatedTo string) mapping.Found {
	return mapping.Found{Live: mapping.Live{ID: name, Name: name, Type: t}, RelatedTo: relatedTo}
}

func TestPropose(t *testing.T) {
	kind, left, err := mapping.ACT().Propose("events", []mapping.Found{
		found("Größe (m²)", property.TypeNumber, ""),
		found("Title", property.TypeTitle, ""),
		found("ID", property.TypeUniqueID, ""),
		found("Order", property.TypeCheckbox, ""),
		found("日付", property.TypeDate, ""),
		found("Partners", property.TypeRelation, "partners"),
		{Live: mapping.Live{ID: "Follows", Name: "Follows", Type: property.TypeRelation}, RelatedTo: "events", OtherEnd: "back"},
		{Live: mapping.Live{ID: "back", Name: "Followed by", Type: property.TypeRelation}, RelatedTo: "events", OtherEnd: "Follows"},
		found("Elsewhere", property.TypeRelation, ""),
		found("Press", property.TypeButton, ""),
		found("order!", property.TypeRichText, ""),
		found("Supabase ID", property.TypeRichText, ""),
		found("Mystery", "from_the_future", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range kind.Fields {
		got[f.Property] = f.Column + " " + string(f.ColumnType)
	}
	want := map[string]string{
		"Title": "title text", "Größe (m²)": "gr_e_m numeric", "ID": "notion_id text", "Order": "order boolean", "日付": "date date", //nolint:dupword // column and type
		"Partners": "partners join table", "Followed by": "followed_by join table", "order!": "order_2 text", "Mystery": "mystery jsonb",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]mapping.LeftOut{{Property: "Elsewhere", Why: "it leads to a database that the mapping does not name"}, {Property: "Follows", Why: "it is the other end of Followed by"}, {Property: "Press", Why: "a button has no value"}}, left); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestProposeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ kind, says string }{
		"one that is there":  {"partners", "stand once"},
		"no identifier":      {"My Events", "lower-case letters"},
		"a name of nothing":  {"", "lower-case letters"},
		"no title":           {"events", "title"},
		"a base table's own": {"notion_partners", "stand once"},
	} {
		if _, _, err := mapping.ACT().Propose(c.kind, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhateverNamesPropertiesHave, the proposal is a mapping that can be read.
func TestWhateverNamesPropertiesHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		properties := []mapping.Found{found("Name", property.TypeTitle, "")}
		for _, name := range rapid.SliceOfNDistinct(rapid.StringN(1, 90, -1), 0, 12, rapid.ID).Draw(t, "properties") {
			if name != "Name" {
				properties = append(properties, found(name, rapid.SampledFrom([]property.Type{
					property.TypeNumber, property.TypeCheckbox, property.TypeDate, property.TypeRelation, property.TypeFiles,
				}).Draw(t, "type"), "partners"))
			}
		}
		if _, _, err := mapping.ACT().Propose("events", properties); err != nil {
			t.Fatal(err)
		}
	})
}
