package notionsim

import (
	"bytes"
	"errors"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/demo"
	"github.com/act-platform/enhanced-integration/infra/notionsim/oauth"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// oauthRoutes adds what OAuth needs to a multiplexer.
func (s *Sim) oauthRoutes(mux *http.ServeMux) {
	handle := func(route string, do handler) {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) { s.serveOAuth(w, r, route, do) })
	}
	handle("POST /v1/oauth/token", s.oauthToken)
	handle("POST /v1/oauth/introspect", s.oauthIntrospect)
	handle("POST /v1/oauth/revoke", s.oauthRevoke)
	mux.HandleFunc("GET /v1/oauth/authorize", s.consent)
	mux.HandleFunc("POST /v1/oauth/authorize", s.decide)
}

// serveOAuth answers one call of the application itself, which shows its id and secret and needs no Notion-Version.
func (s *Sim) serveOAuth(w http.ResponseWriter, r *http.Request, route string, do handler) {
	c := &call{request: r, route: route, id: s.requestID(), actor: s.bot()}
	s.count(c)
	if fault := s.strike(c, false); fault != nil {
		s.spoil(w, c, fault)
		return
	}
	err := s.authenticated(c, do)
	if err == nil {
		if fault := s.strike(c, true); fault != nil {
			s.spoil(w, c, fault)
			return
		}
	}
	if refusal, ok := errors.AsType[*wire.Error](err); ok && s.Options().OAuthErrors == "short" {
		var b wire.Buffer
		b.Open()
		b.Key("error").String(refusal.Code)
		b.Close()
		s.send(w, c, refusal.Status, jsonType, b.Bytes())
		return
	}
	s.respond(w, c, err)
}

func (s *Sim) authenticated(c *call, do handler) error {
	id, secret, _ := c.request.BasicAuth()
	if err := s.oauth.Authenticate(id, secret); err != nil {
		return err
	}
	if kind, _, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		if err := c.readForm(); err != nil {
			return err
		}
	} else if err := c.readBody(); err != nil {
		return invalidRequest(err.Error())
	}
	return do(c)
}

// readForm reads a body in the form that OAuth 2.0 itself prescribes.
func (c *call) readForm() error {
	c.request.Body = http.MaxBytesReader(nil, c.request.Body, maxBody)
	if err := c.request.ParseForm(); err != nil {
		return invalidRequest("The body cannot be read as a form.")
	}
	var b wire.Buffer
	b.Open()
	for k, v := range c.request.PostForm {
		b.Name(k).String(v[0])
	}
	b.Close()
	body, refused := wire.Parse(b.Bytes())
	c.body = body
	if refused != nil {
		return refused
	}
	return nil
}

func invalidRequest(message string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "invalid_request", Message: message}
}

// oauthToken exchanges a code, or refreshes.
//
// https://developers.notion.com/reference/create-a-token
func (s *Sim) oauthToken(c *call) error {
	text := func(name string) string {
		if !c.body.Has(name) {
			return ""
		}
		return c.body.Get(name).Text()
	}
	var pair oauth.Pair
	var err error
	switch text("grant_type") {
	case "authorization_code":
		pair, err = s.oauth.Exchange(text("code"), text("redirect_uri"))
	case "refresh_token":
		pair, err = s.oauth.Refresh(text("refresh_token"))
	case "":
		err = invalidRequest("grant_type is missing.")
	default:
		err = &wire.Error{Status: http.StatusBadRequest, Code: "unsupported_grant_type", Message: "grant_type may be authorization_code or refresh_token."}
	}
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := &c.answer
	b.Open()
	b.Key("access_token").String(pair.Access)
	b.Key("token_type").String("bearer")
	b.Key("refresh_token").String(pair.Refresh)
	b.Key("bot_id").String(demo.BotID(s.config.Seed))
	b.Key("workspace_icon").Null()
	b.Key("workspace_name").String(workspace.Name)
	b.Key("workspace_id").String(s.workspace.ID())
	b.Key("owner").Open()
	b.Key("type").String("user")
	s.workspace.AppendUser(b.Key("user"), s.workspace.User(demo.PersonID(s.config.Seed)), "")
	b.Close()
	b.Key("duplicated_template_id").Null()
	b.Key("request_id").String(c.id)
	b.Close()
	return nil
}

// oauthIntrospect tells whether an access token is valid.
//
// https://developers.notion.com/reference/introspect-token
func (s *Sim) oauthIntrospect(c *call) error {
	token := c.body.Get("token").Text()
	if c.body.Err() != nil {
		return invalidRequest("token is missing.")
	}
	_, since, active := s.lookup(token)
	b := &c.answer
	b.Open()
	b.Key("active").Bool(active)
	if active {
		b.Key("scope").String("read_content update_content insert_content read_user_with_email")
		b.Key("iat").Int(int(since.Unix()))
	}
	b.Key("request_id").String(c.id)
	b.Close()
	return nil
}

// oauthRevoke ends a connection.
//
// https://developers.notion.com/reference/revoke-token
func (s *Sim) oauthRevoke(c *call) error {
	token := c.body.Get("token").Text()
	if c.body.Err() != nil {
		return invalidRequest("token is missing.")
	}
	if err := s.oauth.Revoke(token); err != nil {
		return err
	}
	c.answer.Open()
	c.answer.Key("request_id").String(c.id)
	c.answer.Close()
	return nil
}

// consentPage asks a person. What it is given is escaped.
const consentPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Notion simulator</title></head>
<body style="font-family: sans-serif; max-width: 32rem; margin: 4rem auto">
{{if .Problem}}<h1>This link does not work</h1><p>{{.Problem}}</p>{{else}}
<h1>{{.Bot}} wants to access {{.Workspace}}</h1>
<p>It will be able to view, change and add content, and to see the names and e-mail addresses of people.</p>
<form method="post">
<input type="hidden" name="client_id" value="{{.ClientID}}">
<input type="hidden" name="redirect_uri" value="{{.RedirectURI}}">
<input type="hidden" name="state" value="{{.State}}">
<button name="decision" value="allow">Allow access</button>
<button name="decision" value="deny">Cancel</button>
</form>{{end}}
</body></html>
`

type consentData struct{ Bot, Workspace, ClientID, RedirectURI, State, Problem string }

// consent shows the page on which a person allows access or not.
func (s *Sim) consent(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	data := consentData{
		Bot: demo.BotName, Workspace: workspace.Name, ClientID: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), State: q.Get("state"),
	}
	switch {
	case !s.oauth.Allowed(data.ClientID, data.RedirectURI):
		data.Problem = "The client_id is not known, or the redirect_uri is not one of those registered for it."
	case q.Get("response_type") != "code":
		data.Problem = "response_type must be code."
	case q.Get("owner") != "user":
		data.Problem = "owner must be user."
	}
	s.showConsent(w, data)
}

func (s *Sim) showConsent(w http.ResponseWriter, data consentData) {
	status := http.StatusOK
	if data.Problem != "" {
		status = http.StatusBadRequest
	}
	var b bytes.Buffer
	if err := template.Must(template.New("consent").Parse(consentPage)).Execute(&b, data); err != nil {
		s.log.Error("the consent page cannot be shown", "error", err)
	}
	s.send(w, &call{id: s.requestID()}, status, "text/html; charset=utf-8", b.Bytes())
}

// decide sends the person back with a code, or with access_denied.
func (s *Sim) decide(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	clientID, redirectURI := r.PostFormValue("client_id"), r.PostFormValue("redirect_uri")
	if !s.oauth.Allowed(clientID, redirectURI) {
		s.showConsent(w, consentData{Problem: "The client_id is not known, or the redirect_uri is not one of those registered for it."})
		return
	}
	answer := url.Values{}
	if r.PostFormValue("decision") == "allow" {
		answer.Set("code", s.oauth.Grant(redirectURI))
	} else {
		answer.Set("error", "access_denied")
	}
	if state := r.PostFormValue("state"); state != "" {
		answer.Set("state", state)
	}
	if redirectURI == "" {
		redirectURI = s.oauth.Back()
	}
	glue := "?"
	if strings.Contains(redirectURI, "?") {
		glue = "&"
	}
	w.Header().Set("Date", s.clock.Now().UTC().Format(http.TimeFormat))
	http.Redirect(w, r, redirectURI+glue+answer.Encode(), http.StatusSeeOther) //nolint:gosec // Allowed knows the address
}
