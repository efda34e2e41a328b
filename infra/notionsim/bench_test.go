package notionsim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// grown returns a simulator with so many partners, kept in a file, and their data source.
func grown(b *testing.B, rows int) (sim *notionsim.Sim, source string) {
	b.Helper()
	sim, err := notionsim.New(notionsim.Config{Demo: true, Path: filepath.Join(b.TempDir(), "state"), Now: noon})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { sim.Close() })
	if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 }); err != nil {
		b.Fatal(err)
	}
	if _, err := sim.Grow(map[string]int{"partners": rows}, 1); err != nil {
		b.Fatal(err)
	}
	return sim, inProcess(b, sim).source(sim, "partners")
}

func send(b *testing.B, sim http.Handler, method, path, body string) *httptest.ResponseRecorder {
	b.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+notionsim.IntegrationToken)
	r.Header.Set("Notion-Version", latest)
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("%d %s", w.Code, w.Body)
	}
	return w
}

// An answer of 100 rows, from the middle of the data source where there is an order.
func BenchmarkQuery(b *testing.B) {
	for _, rows := range []int{25_000, 100_000} {
		sim, source := grown(b, rows)
		for name, body := range map[string]string{
			"unsorted":    `{}`,
			"created":     `{"sorts":[{"timestamp":"created_time","direction":"ascending"}],"filter":{"timestamp":"created_time","created_time":{"on_or_after":"2025-01-01"}}}`,
			"edited":      `{"filter":{"timestamp":"last_edited_time","last_edited_time":{"on_or_after":"2025-12-28T00:00:00Z"}}}`,
			"by property": `{"sorts":[{"property":"Name","direction":"ascending"}]}`,
		} {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				size := 0
				for b.Loop() {
					size = send(b, sim, http.MethodPost, "/v1/data_sources/"+source+"/query", body).Body.Len()
				}
				b.ReportMetric(float64(size), "bytes/answer")
			})
		}
	}
}

func BenchmarkSeed(b *testing.B) {
	for _, rows := range []int{25_000, 100_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				sim, _ := grown(b, rows)
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MB")
				runtime.KeepAlive(sim)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state")
	open := func() *notionsim.Sim {
		sim, err := notionsim.New(notionsim.Config{Demo: true, Path: path, Now: noon})
		if err != nil {
			b.Fatal(err)
		}
		return sim
	}
	sim := open()
	if _, err := sim.Grow(map[string]int{"partners": 25_000}, 1); err != nil {
		b.Fatal(err)
	}
	sim.Close()
	for b.Loop() {
		open().Close()
	}
}

func BenchmarkWrite(b *testing.B) {
	sim, source := grown(b, 100_000)
	page := inProcess(b, sim).post("/v1/data_sources/"+source+"/query", `{"page_size":1}`).ok().text("results", 0, "id")
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			send(b, sim, http.MethodPost, "/v1/pages", `{"parent":{"data_source_id":"`+source+`"},"properties":{"Name":{"title":[{"text":{"content":"Made"}}]}}}`)
		}
	})
	b.Run("update", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			send(b, sim, http.MethodPatch, "/v1/pages/"+page, fmt.Sprintf(`{"properties":{"Location":{"rich_text":[{"text":{"content":"Place %d"}}]}}}`, i))
		}
	})
}
