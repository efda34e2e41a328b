package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written returns a folder with one file of pairs.
func written(t *testing.T, pairs string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "pairs.json"), []byte(pairs), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

const (
	word = `[{"type":"text","text":{"content":"Word","link":null},"annotations":{"bold":false,"italic":false,"strikethrough":false,"underline":false,"code":false,"color":"default"},"plain_text":"Word","href":null}]`
	user = `{"object":"user","id":"7775f3a3-893f-43fa-b625-460c61094c78"}`
	page = `{"object":"page","id":"393abc1e-edcd-8181-8d59-e30a27148c69","created_time":"2026-07-04T09:08:00.000Z","last_edited_time":"2026-07-04T09:08:00.000Z",
		"created_by":` + user + `,"last_edited_by":` + user + `,"cover":null,"icon":null,"in_trash":false,"is_archived":false,"is_locked":false,
		"url":"https://app.notion.com/p/Word-393abc1eedcd81818d59e30a27148c69","public_url":null,"request_id":"5c99c82e-cc3f-4141-917c-31eec94ec4b5",`
)

func TestPairs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ pairs, want string }{
		"a date":              {`[{"sent":{"start":"2026-07-25T16:57:28Z"},"answered":{"start":"2026-07-25T16:57:00.000+00:00","end":null,"time_zone":null}}]`, "1 agreed"},
		"a date that differs": {`[{"sent":{"start":"2026-07-25T16:57:28Z"},"answered":{"start":"2026-07-25T16:57:28.000+00:00","end":null,"time_zone":null}}]`, `start: expected "2026-07-25T16:57:28.000+00:00", got "2026-07-25T16:57:00.000+00:00"`},
		"a member too few":    {`[{"sent":{"start":"2026-07-25"},"answered":{"start":"2026-07-25","end":null}}]`, "time_zone: expected nothing, got null"},
		"a member too many":   {`[{"sent":{"start":"2026-07-25"},"answered":{"start":"2026-07-25","end":null,"time_zone":null,"x":1}}]`, "x: expected 1, got nothing"},
		"a number":            {`[{"type":"number","sent":1.50,"answered":1.5}]`, "1 agreed"},
		"a select":            {`[{"type":"select","sent":{"name":"A"},"answered":{"id":"x","name":"A","color":"pink"}}]`, "1 agreed"},
		"a value that is not": {`[{"type":"number","sent":"one","answered":1}]`, "(preparation): expected a request that is accepted, got POST /v1/pages answers 400"},
		"a page":              {`[{"request":"POST /v1/pages","sent":{"parent":{"page_id":"393abc1e-edcd-80f3-813b-e205934558c6"},"properties":{"title":[{"text":{"content":"Word"}}]}},"answered":` + page + `"parent":{"type":"page_id","page_id":"393abc1e-edcd-80f3-813b-e205934558c6"},"properties":{"title":{"id":"title","type":"title","title":` + word + `}}}}]`, "1 agreed"},
		"a row":               {`[{"request":"POST /v1/pages","sent":{"parent":{"data_source_id":"393abc1e-edcd-80f3-813b-e205934558c6"},"properties":{"N":{"number":1},"R":{"relation":[{"id":"393abc1e-edcd-80f3-813b-e205934558aa"}]}}},"answered":` + page + `"parent":{"type":"data_source_id","data_source_id":"393abc1e-edcd-80f3-813b-e205934558c6","database_id":"393abc1e-edcd-80f3-813b-e205934558c7"},"properties":{"N":{"id":"a","type":"number","number":1},"R":{"id":"b","type":"relation","relation":[{"id":"393abc1e-edcd-80f3-813b-e205934558aa"}],"has_more":false},"T":{"id":"title","type":"title","title":[]}}}}]`, "1 agreed"},
		"an update of a row":  {`[{"request":"PATCH /v1/pages/393abc1e-edcd-8181-8d59-e30a27148c69","sent":{"properties":{"N":{"number":2}}},"answered":` + page + `"parent":{"type":"data_source_id","data_source_id":"393abc1e-edcd-80f3-813b-e205934558c6","database_id":"393abc1e-edcd-80f3-813b-e205934558c7"},"properties":{"N":{"id":"a","type":"number","number":2},"T":{"id":"title","type":"title","title":` + word + `}}}}]`, "1 agreed"},
		"an older version":    {`[{"request":"GET /v1/users/me","version":"2022-06-28","answered":{"object":"user"}}]`, "version 2022-06-28 is not spoken"},
		"an error":            {`[{"request":"GET /v1/pages/00000000-0000-0000-0000-000000000000","answered":{"object":"error","status":404,"code":"object_not_found","message":"Could not find page with ID: 00000000-0000-0000-0000-000000000000. Make sure the relevant pages and databases are shared with your integration \"notion-sdk-py\".","additional_data":{"integration_id":"7775f3a3-893f-43fa-b625-460c61094c78"},"request_id":"55e80b46-6675-426f-9eb0-1fa1456e4103"}}]`, "1 agreed"},
		"another error":       {`[{"request":"GET /v1/nothing","status":404,"answered":{"object":"error"}}]`, "GET /v1/nothing answers 400, recorded 404"},
		"what cannot be made": {`[{"request":"POST /v1/comments","sent":{},"answered":{"object":"comment"}}]`, "skipped"},
		"requests before":     {`[{"request":"POST /v1/comments","before":[{"request":"GET /v1/nothing"}],"sent":{},"answered":{"object":"comment"}}]`, "GET /v1/nothing answers 400"},
		"no list":             {`{}`, "not a list of pairs"},
		"no answer":           {`[{"sent":1}]`, "pair 1 has no answer"},
		"no request":          {`[{"request":"/v1/pages","answered":1}]`, `the request is "/v1/pages"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var table strings.Builder
			if err := run(&table, false, written(t, c.pairs)); err != nil {
				table.WriteString(err.Error())
			}
			if !strings.Contains(table.String(), c.want) {
				t.Errorf("it says\n%s\nand not %q", table.String(), c.want)
			}
		})
	}
}

// A schema is made to fit a request that changes it.
func TestSchemaPairs(t *testing.T) {
	t.Parallel()
	source := func(properties string) string {
		return `{"object":"data_source","id":"071b7860-69d9-4ae5-a34b-78533e48a659","cover":null,"icon":null,"created_time":"2026-06-27T17:03:00.000Z","created_by":` + user +
			`,"last_edited_by":` + user + `,"last_edited_time":"2026-06-27T17:03:00.000Z","title":` + word + `,"description":[],"is_inline":false,"properties":{"Name":{"id":"title","name":"Name","description":null,"type":"title","title":{}}` +
			properties + `},"parent":{"type":"database_id","database_id":"137e39b0-a261-493b-8567-a47b447c689d"},"database_parent":{"type":"page_id","page_id":"00000000-0000-4000-8000-000000000001"},
			"url":"https://www.notion.so/137e39b0a261493b8567a47b447c689d","public_url":null,"in_trash":false,"request_id":"8cd9277f-e4b5-4af3-a09b-54ecf60e7fbc"}`
	}
	const old = `,"Old":{"id":"a%3Ab","name":"Old","description":null,"type":"number","number":{"format":"number"}}`
	for name, c := range map[string]struct{ sent, answered string }{
		"a new name":             {`{"Old":{"name":"New"}}`, `,"New":{"id":"a%3Ab","name":"New","description":null,"type":"number","number":{"format":"number"}}`},
		"a property goes":        {`{"Gone":null}`, old},
		"a property comes":       {`{"New":{"url":{}}}`, old + `,"New":{"id":"x","name":"New","description":null,"type":"url","url":{}}`},
		"an id that is repeated": {`{"Old":{"name":"Old","number":{"format":"dollar"}}}`, strings.Replace(old, `"format":"number"`, `"format":"dollar"`, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var table strings.Builder
			pair := `[{"request":"PATCH /v1/data_sources/071b7860-69d9-4ae5-a34b-78533e48a659","sent":{"properties":` + c.sent + `},"answered":` + source(c.answered) + `}]`
			if err := run(&table, true, written(t, pair)); err != nil {
				t.Errorf("%v\n%s", err, table.String())
			}
		})
	}
}

func TestFoldersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for want, folders := range map[string][]string{
		"name a folder":     nil,
		"has no JSON files": {t.TempDir()},
	} {
		if err := run(&strings.Builder{}, false, folders...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", folders, err)
		}
	}
}
