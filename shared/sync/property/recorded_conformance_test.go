//go:build conformance

package property

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim/openapitest"
)

// TestRecordedConformance writes every recorded property back, and holds the requests against Notion's own description of them.
func TestRecordedConformance(t *testing.T) {
	t.Parallel()
	document := openapitest.Load(t)
	_, found := recordings(t)
	requests := map[string][]string{}
	for _, r := range found {
		_, request, err := r.rewritten()
		if err != nil {
			t.Fatalf("%s %s: %v", r.file, r.name, err)
		}
		if request == nil {
			continue
		}
		requests[r.file] = append(requests[r.file], fmt.Sprintf(`"%d":%s`, len(requests[r.file]), request))
	}
	if len(requests) == 0 {
		t.Error("no recording held a writable property")
	}
	for file, properties := range requests {
		judge(t, document, file, strings.Join(properties, ","))
	}
}

// judge holds an update and a creation with the properties against Notion's own description of its requests.
func judge(t *testing.T, document *openapitest.Document, file, properties string) {
	t.Helper()
	for target, body := range map[string]string{
		"PATCH /v1/pages/" + pageID: fmt.Sprintf(`{"properties":{%s}}`, properties),
		"POST /v1/pages":            fmt.Sprintf(`{"parent":{"data_source_id":%q},"properties":{%s}}`, pageID, properties),
	} {
		method, path, _ := strings.Cut(target, " ")
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Notion-Version", "2026-03-11")
		r.Header.Set("Authorization", "Bearer secret")
		if err := document.Request(r, []byte(body)); err != nil {
			t.Errorf("%s: %s is refused: %v\n%s", file, target, err, body)
		}
	}
}
