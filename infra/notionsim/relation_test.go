package notionsim_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

func TestTwoWayRelations(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	project := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Project")})
	partner := bot.createIn(bot.source(sim, "partners"), map[string]any{"Name": title("Partner")})
	sim.Clock().Advance(3 * time.Hour)
	bot.person().patch("/v1/pages/"+project, properties(map[string]any{"Partners": relation(partner)})).ok()
	other := bot.get("/v1/pages/" + partner).ok()
	if got := refs(other, "Projects"); !slices.Equal(got, []string{project}) {
		t.Errorf("the other end has %v", got)
	}
	person := bot.person().get("/v1/users/me").ok().text("id")
	if other.text("last_edited_time") != "2026-11-23T15:00:00.000Z" || other.text("last_edited_by", "id") != person {
		t.Errorf("the other page was edited at %s by %s", other.text("last_edited_time"), other.text("last_edited_by", "id"))
	}
	// What is in the trash does not show, and comes back with the page.
	bot.patch("/v1/pages/"+project, `{"in_trash":true}`).ok()
	if got := refs(bot.get("/v1/pages/"+partner).ok(), "Projects"); len(got) != 0 {
		t.Errorf("a trashed page shows in %v", got)
	}
	bot.patch("/v1/pages/"+project, `{"in_trash":false}`).ok()
	if got := refs(bot.get("/v1/pages/"+partner).ok(), "Projects"); len(got) != 1 {
		t.Errorf("a restored page does not show in %v", got)
	}
	bot.patch("/v1/pages/"+partner, properties(map[string]any{"Projects": relation()})).ok()
	if got := refs(bot.get("/v1/pages/"+project).ok(), "Partners"); len(got) != 0 {
		t.Errorf("cleared at one end, the other has %v", got)
	}
}

func refs(a answer, property string) []string {
	a.t.Helper()
	var ids []string
	for i := range a.list("properties", property, "relation") {
		ids = append(ids, a.text("properties", property, "relation", i, "id"))
	}
	return ids
}

func TestMovedPages(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	projects, organizations := bot.source(sim, "projects"), bot.source(sim, "organizations")
	partner := bot.createIn(bot.source(sim, "partners"), map[string]any{"Name": title("Partner")})
	page := bot.createIn(projects, map[string]any{"Name": title("Moving"), "Description": richText("Kept"), "Budget": number(5), "Partners": relation(partner)})
	moved := bot.post("/v1/pages/"+page+"/move", map[string]any{"parent": map[string]any{"type": "data_source_id", "data_source_id": organizations}}).ok()
	if moved.text("parent", "data_source_id") != organizations || moved.text("properties", "Name", "title", 0, "plain_text") != "Moving" ||
		moved.text("properties", "Description", "rich_text", 0, "plain_text") != "Kept" {
		t.Errorf("moved to %s", moved.raw)
	}
	if got := refs(bot.get("/v1/pages/"+partner).ok(), "Projects"); len(got) != 0 {
		t.Errorf("the partner still has %v", got)
	}
	if ids, _ := walk(t, bot, projects, map[string]any{}); slices.Contains(ids, page) {
		t.Error("the page is still where it was")
	}
	if ids, _ := walk(t, bot, organizations, map[string]any{}); !slices.Contains(ids, page) {
		t.Error("the page is not where it went")
	}
}

// Whatever is written at either end, a relation of two ways says the same at both, and a data source's own order of time is kept.
func TestTwoWayRelationsStaySymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sim := ticking(t, 1)
		defer sim.Close()
		bot := inProcess(t, sim)
		ends := map[string]struct{ property, other string }{"projects": {"Partners", "partners"}, "partners": {"Projects", "projects"}}
		ids := make(map[string][]string)
		for kind := range ends {
			for range 3 {
				ids[kind] = append(ids[kind], bot.createIn(bot.source(sim, kind), map[string]any{"Name": title(kind)}))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"relate": func(t *rapid.T) {
				kind := rapid.SampledFrom([]string{"projects", "partners"}).Draw(t, "kind")
				page := rapid.SampledFrom(ids[kind]).Draw(t, "page")
				to := rapid.SliceOfDistinct(rapid.SampledFrom(ids[ends[kind].other]), rapid.ID[string]).Draw(t, "to")
				if bot.get("/v1/pages/"+page).ok().at("in_trash") == true {
					return
				}
				bot.patch("/v1/pages/"+page, properties(map[string]any{ends[kind].property: relation(to...)})).ok()
			},
			"trash or restore": func(t *rapid.T) {
				kind := rapid.SampledFrom([]string{"projects", "partners"}).Draw(t, "kind")
				page := rapid.SampledFrom(ids[kind]).Draw(t, "page")
				bot.patch("/v1/pages/"+page, map[string]any{"in_trash": rapid.Bool().Draw(t, "in_trash")}).ok()
			},
		})
		shown := make(map[string][]string) // by pages that are not in the trash
		for kind, end := range ends {
			for _, page := range ids[kind] {
				if a := bot.get("/v1/pages/" + page).ok(); a.at("in_trash") != true {
					shown[page] = refs(a, end.property)
				}
			}
		}
		for page, related := range shown {
			for _, id := range related {
				if !slices.Contains(shown[id], page) {
					t.Fatalf("%s names %s, but not the other way", page, id)
				}
			}
		}
		rows := bot.post("/v1/data_sources/"+bot.source(sim, "projects")+"/query", `{"sorts":[{"timestamp":"last_edited_time","direction":"ascending"}]}`).ok()
		var last string
		for i := range rows.list("results") {
			if at := rows.text("results", i, "last_edited_time"); at < last {
				t.Fatalf("%s comes after %s", at, last)
			} else {
				last = at
			}
		}
	})
}

func TestDemoRelationsAreSymmetric(t *testing.T) {
	t.Parallel()
	sim, err := notionsim.New(notionsim.Config{Demo: true, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	type page struct {
		ID         string `json:"id"`
		Properties map[string]struct {
			Relation []struct {
				ID string `json:"id"`
			} `json:"relation"`
		} `json:"properties"`
	}
	names := map[string]string{"partners": "Partners", "projects": "Projects", "opportunities": "Opportunities", "organizations": "Organizations"}
	related := make(map[string]map[string][]string) // page → kind → pages
	kindOf := make(map[string]string)
	for kind, db := range sim.Databases() {
		rows, err := sim.Pages(db)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range rows {
			var p page
			if err := json.Unmarshal(raw, &p); err != nil {
				t.Fatal(err)
			}
			kindOf[p.ID] = kind
			related[p.ID] = make(map[string][]string)
			for other, name := range names {
				for _, r := range p.Properties[name].Relation {
					related[p.ID][other] = append(related[p.ID][other], r.ID)
				}
			}
		}
	}
	for id, kinds := range related {
		if len(kinds) < 2 {
			t.Errorf("%s of %s is related to %v only", id, kindOf[id], kinds)
		}
		for _, others := range kinds {
			for _, other := range others {
				if !slices.Contains(related[other][kindOf[id]], id) {
					t.Errorf("%s names %s, but not the other way", id, other)
				}
			}
		}
	}
}
