package notion_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// recordings holds answers of the real API, outside the repository.
const recordings = "../../../shared/data/notion-recorded"

// TestRecorded passes each recorded answer of the real API to the call that it answers.
func TestRecorded(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(recordings, "*.json"))
	switch {
	case err != nil:
		t.Fatal(err)
	case len(paths) == 0 && os.Getenv("CI") == "true":
		t.Fatal("the recordings are absent, and CI cannot do without them")
	case len(paths) == 0:
		t.Skip("the recordings are absent: nothing to read")
	}
	read := map[string]int{}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		readRecorded(t, filepath.Base(path), body, read)
	}
	kinds := make([]string, 0, len(read))
	for kind, n := range read {
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
	}
	slices.Sort(kinds)
	t.Logf("%d files: %s", len(paths), strings.Join(kinds, ", "))
	if read["page"] == 0 {
		t.Error("no recording held a page")
	}
}

// readRecorded has the client read one body, and each object that it lists.
func readRecorded(t *testing.T, file string, body json.RawMessage, read map[string]int) {
	t.Helper()
	var listed []json.RawMessage
	if json.Unmarshal(body, &listed) == nil {
		for _, element := range listed {
			readRecorded(t, file, element, read)
		}
		return
	}
	var head struct {
		Object  string            `json:"object"`
		Status  json.RawMessage   `json:"status"` // a number in an error, an option in the item of a property
		Code    string            `json:"code"`
		ID      string            `json:"id"`
		Type    string            `json:"type"`
		Results []json.RawMessage `json:"results"`
		Created string            `json:"created_time"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	kind := head.Object
	status := http.StatusOK
	switch {
	case kind == "list" && head.Type == "property_item":
		kind = "property_item"
	case kind == "page" && head.Created == "":
		kind = "other" // only an id, from a view's query, which this project does not ask
	case kind == "error":
		if err := json.Unmarshal(head.Status, &status); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	f := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if status != http.StatusOK {
			w.WriteHeader(status)
		}
		if r.URL.Query().Has("start_cursor") {
			body = bytes.Replace(body, []byte(`"has_more": true`), []byte(`"has_more": false`), 1)
		}
		_, _ = io.Copy(w, bytes.NewReader(body))
	})
	ctx, c := t.Context(), f.client
	var err error
	switch kind {
	case "page":
		var page notion.Page
		if page, err = c.Page(ctx, pageID); err == nil && (page.ID == "" || !bytes.Equal(page.Raw, bytes.TrimSpace(body)) || page.CreatedTime.IsZero()) {
			err = fmt.Errorf("lost something: %+v", page)
		}
	case "list":
		var answer notion.QueryPage
		if answer, err = c.Query(ctx, dataSourceID, notion.Query{}); err == nil && answer.Incomplete {
			err = errors.New("counts as incomplete")
		}
		for _, result := range head.Results {
			readRecorded(t, file, result, read)
		}
	case "database":
		if _, err = c.Database(ctx, pageID); err == nil {
			_, err = c.DataSource(ctx, dataSourceID) // before 2025-09-03 the schema was here
		}
	case "data_source":
		_, err = c.DataSource(ctx, dataSourceID)
	case "user":
		_, err = c.Me(ctx)
	case "property_item":
		var raw json.RawMessage
		if raw, err = c.PropertyItems(ctx, pageID, "x"); err == nil {
			var p property.Property
			if p, err = property.Decode(raw); err == nil && (p.Truncated || p.Type == "") {
				err = fmt.Errorf("not the whole: %s", raw)
			}
		}
	case "error":
		_, err = c.Page(ctx, pageID)
		if said, ok := errors.AsType[*notion.Error](err); ok && said.Code == head.Code && said.Status == status {
			err = nil
		}
	default:
		kind = "other" // webhooks come by another way
	}
	if err != nil {
		t.Errorf("%s: a %s: %v", file, kind, err)
	}
	read[kind]++
}
