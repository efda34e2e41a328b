package notionsim

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/act-platform/enhanced-integration/infra/notionsim/cursor"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// routes returns the multiplexer of everything that the simulator answers.
func (s *Sim) routes() *http.ServeMux {
	mux := http.NewServeMux()
	api := func(route string, do handler) {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route, do) })
	}
	api("GET /v1/users", s.reads(s.listUsers))
	api("GET /v1/users/me", s.reads(s.me))
	api("GET /v1/users/{id}", s.reads(about("user_id", s.user)))
	api("POST /v1/search", s.reads(s.search))
	api("POST /v1/databases", s.writes(s.createDatabase))
	api("GET /v1/databases/{id}", s.reads(about("database_id", s.database)))
	api("PATCH /v1/databases/{id}", s.writes(about("database_id", s.updateDatabase)))
	api("POST /v1/data_sources", s.writes(s.createDataSource))
	api("GET /v1/data_sources/{id}", s.reads(about("data_source_id", s.dataSource)))
	api("PATCH /v1/data_sources/{id}", s.writes(about("data_source_id", s.updateDataSource)))
	api("POST /v1/data_sources/{id}/query", s.reads(about("data_source_id", s.query)))
	api("POST /v1/pages", s.writes(s.createPage))
	api("GET /v1/pages/{id}", s.reads(about("page_id", s.page)))
	api("PATCH /v1/pages/{id}", s.writes(about("page_id", s.updatePage)))
	api("POST /v1/pages/{id}/move", s.writes(about("page_id", s.movePage)))
	api("GET /v1/pages/{id}/properties/{property_id}", s.reads(about("page_id", s.propertyItem)))
	s.oauthRoutes(mux)
	s.controls(mux)
	mux.HandleFunc("/", s.nowhere)
	return mux
}

// nowhere answers what is addressed to nothing.
func (s *Sim) nowhere(w http.ResponseWriter, r *http.Request) {
	s.respond(w, &call{request: r, id: s.requestID()}, wire.InvalidURL())
}

// about makes a handler of one that wants the id in the request's path, which Notion calls by a name of its own.
func about(name string, do func(c *call, id string) error) handler {
	return func(c *call) error {
		raw := c.request.PathValue("id")
		id, ok := wire.UUID(raw)
		if !ok {
			return wire.Validation("path failed validation: path.%s should be a valid uuid, instead was `%q`.", name, raw)
		}
		return do(c, id)
	}
}

// tellPage writes a page as the answer, unless there is an error instead, with the properties that filter_properties names.
func (s *Sim) tellPage(c *call, p *workspace.Page, err error) error {
	if err != nil {
		return err
	}
	style := c.single()
	style.Only = c.chosen()
	s.workspace.AppendPage(&c.answer, p, style)
	return nil
}

// tell writes a thing as the answer, unless there is an error instead.
func tell[T any](c *call, thing T, err error, write func(*wire.Buffer, T, workspace.Style)) error {
	if err != nil {
		return err
	}
	write(&c.answer, thing, c.single())
	return nil
}

func (s *Sim) me(c *call) error {
	s.workspace.AppendUser(&c.answer, s.workspace.User(c.actor.UserID), c.id)
	return nil
}

func (s *Sim) user(c *call, id string) error {
	u := s.workspace.User(id)
	if u == nil || u.Kind == "group" {
		return c.actor.NotFound("user", id)
	}
	s.workspace.AppendUser(&c.answer, u, c.id)
	return nil
}

func (s *Sim) listUsers(c *call) error {
	size, start, err := c.queryPaging()
	if err != nil {
		return err
	}
	users := s.workspace.Users()
	from := 0
	if start != "" {
		if from = slices.IndexFunc(users, func(u *workspace.User) bool { return u.ID == start }); from < 0 {
			return cursor.Invalid(start)
		}
	}
	to, next := min(from+size, len(users)), ""
	if to < len(users) {
		next = users[to].ID
	}
	c.list("user", next, false, func(b *wire.Buffer) {
		for _, u := range users[from:to] {
			s.workspace.AppendUser(b, u, "")
		}
	})
	return nil
}

// queryPaging reads start_cursor and page_size of a request without a body.
func (c *call) queryPaging() (size int, start string, err error) {
	q := c.request.URL.Query()
	size, start = 100, q.Get("start_cursor")
	if raw := q.Get("page_size"); raw != "" {
		if size, err = strconv.Atoi(raw); err != nil || size < 1 || size > 100 {
			return 0, "", wire.Validation("query failed validation: query.page_size should be a whole number from 1 to 100, instead was `%q`.", raw)
		}
	}
	return size, start, nil
}

// list writes a list.
func (c *call) list(kind, next string, incomplete bool, results func(*wire.Buffer)) {
	b := &c.answer
	b.Open()
	b.Key("object").String("list")
	b.Key("results").Array()
	results(b)
	b.EndArray()
	b.Key("next_cursor").StringOrNull(next)
	b.Key("has_more").Bool(next != "")
	b.Key("type").String(kind)
	b.Key(kind).Open()
	b.Close()
	if incomplete {
		b.Key("request_status").Open()
		b.Key("type").String("incomplete")
		b.Key("incomplete_reason").String("query_result_limit_reached")
		b.Close()
	}
	b.Key("request_id").String(c.id)
	b.Close()
}

func (s *Sim) search(c *call) error {
	hits, next, err := s.workspace.Search(c.body, c.actor)
	if err != nil {
		return err
	}
	c.list("page_or_data_source", next, false, func(b *wire.Buffer) {
		for _, h := range hits {
			if h.Page != nil {
				s.workspace.AppendPage(b, h.Page, c.style())
			} else {
				s.workspace.AppendDataSource(b, h.Source, c.style())
			}
		}
	})
	return nil
}

func (s *Sim) createDatabase(c *call) error {
	d, err := s.workspace.CreateDatabase(c.body, c.actor)
	return tell(c, d, err, s.workspace.AppendDatabase)
}

func (s *Sim) database(c *call, id string) error {
	d, err := s.workspace.Database(id, c.actor)
	return tell(c, d, err, s.workspace.AppendDatabase)
}

func (s *Sim) updateDatabase(c *call, id string) error {
	d, err := s.workspace.UpdateDatabase(id, c.body, c.actor)
	return tell(c, d, err, s.workspace.AppendDatabase)
}

func (s *Sim) createDataSource(c *call) error {
	ds, err := s.workspace.CreateDataSource(c.body, c.actor)
	return tell(c, ds, err, s.workspace.AppendDataSource)
}

func (s *Sim) dataSource(c *call, id string) error {
	ds, err := s.workspace.DataSource(id, c.actor)
	return tell(c, ds, err, s.workspace.AppendDataSource)
}

func (s *Sim) updateDataSource(c *call, id string) error {
	ds, err := s.workspace.UpdateDataSource(id, c.body, c.actor)
	return tell(c, ds, err, s.workspace.AppendDataSource)
}

func (s *Sim) query(c *call, id string) error {
	ds, err := s.workspace.DataSource(id, c.actor)
	if err != nil {
		return err
	}
	q, err := s.workspace.ParseQuery(ds, c.body, c.actor)
	if err != nil {
		return err
	}
	style := c.style()
	style.Only = c.chosen()
	for _, key := range style.Only {
		if ds.Schema.Find(key) == nil {
			return wire.Validation("Could not find property with name or id: %s", key)
		}
	}
	found, err := s.workspace.Find(ds, q)
	if err != nil {
		return err
	}
	const typicalRow = 4500 // bytes
	c.answer.Grow(len(found.Pages) * typicalRow)
	c.list("page_or_data_source", found.Next, found.Incomplete, func(b *wire.Buffer) {
		for _, p := range found.Pages {
			s.workspace.AppendPage(b, p, style)
		}
	})
	return nil
}

// chosen returns the properties that filter_properties names: those that the answer shall have of each page; nil is all.
func (c *call) chosen() []string {
	q := c.request.URL.Query()
	return slices.Concat(q["filter_properties"], q["filter_properties[]"])
}

func (s *Sim) createPage(c *call) error {
	p, err := s.workspace.CreatePage(c.body, c.actor)
	if err == nil {
		c.created = p.ID
	}
	return s.tellPage(c, p, err)
}

func (s *Sim) page(c *call, id string) error {
	p, err := s.workspace.Page(id, c.actor)
	return s.tellPage(c, p, err)
}

func (s *Sim) updatePage(c *call, id string) error {
	p, changed, err := s.workspace.UpdatePage(id, c.body, c.actor)
	if err == nil && c.actor.Bot && !changed {
		s.counts.add(func(st *Stats) { st.UnchangedWrites++ })
	}
	return s.tellPage(c, p, err)
}

// movePage puts a page into another data source.
//
// https://developers.notion.com/reference/move-page
func (s *Sim) movePage(c *call, id string) error {
	to := c.body.Get("parent").Get("data_source_id").UUID()
	if c.body.Err() != nil {
		return c.body.Err()
	}
	p, err := s.workspace.MovePage(id, to, c.actor)
	return s.tellPage(c, p, err)
}

func (s *Sim) propertyItem(c *call, id string) error {
	size, start, err := c.queryPaging()
	if err != nil {
		return err
	}
	return s.workspace.AppendItem(&c.answer, workspace.ItemRequest{
		PageID: id, Property: c.request.PathValue("property_id"), Size: size, Start: start, RequestID: c.id,
	}, c.actor)
}
