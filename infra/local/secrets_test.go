package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// TestSecretsAreToldToNobody: a workspace is connected, syncs run and fail, every route is driven, a subscriber's secret is made; then no log
// line, no row of any table and no answer has a secret in it, but for the one answer that tells a new secret.
func TestSecretsAreToldToNobody(t *testing.T) {
	t.Parallel()
	u := arrive(t, "LOG_FORMAT=json") // without the greeting, which shows the key
	answers := map[string]string{}
	hear := func(what string, status int, body []byte) []byte {
		answers[fmt.Sprintf("%s (%d, %d)", what, status, len(answers))] = string(body)
		return body
	}
	ask := func(method, path, body string) []byte {
		status, answer := u.send(t, method, u.api(path), body)
		return hear(method+" "+path, status, answer)
	}
	u.connectByOAuth(t, hear)
	var subscribed struct {
		Secret string `json:"secret"`
	}
	_, told := u.send(t, "POST", u.api("/events/subscribe"), `{"callback_url":"`+u.env["API_URL"]+`/_receiver/x","event_types":["*"]}`)
	if err := json.Unmarshal(told, &subscribed); err != nil || subscribed.Secret == "" {
		t.Fatalf("subscribed: %s", told)
	}
	u.sync(t)
	u.exec(t, `update partners set location = 'Hobart'`)
	u.sync(t)
	u.send(t, "POST", u.env["NOTION_URL"]+"/_sim/faults", `{"rules":[{"route":"/v1/data_sources/{id}/query","status":401,"count":3},{"method":"PATCH","status":500,"count":5}]}`)
	ask("POST", "/sync/trigger", `{"type":"full"}`)
	u.settle(t)
	u.send(t, "POST", u.env["NOTION_URL"]+"/_sim/faults", `{"rules":[]}`)
	for _, a := range drive(t, u.env["API_URL"], script(projectTemplate(t, u.env, "127.0.0.1").Functions, u.env["API_KEY"]), func() { u.settle(t) }) {
		hear("the script", a.status, a.body)
	}

	secrets := u.secrets(t)
	secrets["API_KEY"], secrets["a subscription's secret"] = u.env["API_KEY"], subscribed.Secret
	secrets["the person's token"], secrets["the integration's token"] = u.env["NOTION_PERSON_TOKEN"], u.env["NOTION_TOKEN"]
	if len(secrets) < 8 {
		t.Errorf("only %d secrets are known", len(secrets))
	}
	places := u.tables(t)
	for what, answer := range answers {
		places["the answer to "+what] = answer
	}
	places["the logs"] = u.out.String()
	t.Logf("%d secrets looked for in %d tables and answers and %d bytes of logs", len(secrets), len(places), len(places["the logs"]))
	for name, secret := range secrets {
		for where, text := range places {
			if secret == subscribed.Secret && strings.HasSuffix(where, "event_subscriptions") {
				continue // what signs has to be at hand; see the README's limits
			}
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s stands in %s: …%s…", name, where, strings.ReplaceAll(text[max(0, at-80):min(len(text), at+len(secret)+20)], secret, "<secret>"))
			}
		}
	}
}

// connectByOAuth goes the round that a person's browser goes.
func (u *tourist) connectByOAuth(t *testing.T, hear func(string, int, []byte) []byte) {
	t.Helper()
	var begun struct {
		URL string `json:"authorization_url"`
	}
	status, answer := u.send(t, "GET", u.api("/oauth/notion/url"), "")
	if err := json.Unmarshal(hear("GET /oauth/notion/url", status, answer), &begun); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(begun.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := to.Query()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer browser.CloseIdleConnections()
	form := url.Values{"client_id": {notionsim.OAuthClient().ID}, "redirect_uri": {q.Get("redirect_uri")}, "state": {q.Get("state")}, "decision": {"allow"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.env["NOTION_URL"]+"/v1/oauth/authorize", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	back, err := response.Location()
	if err != nil {
		t.Fatal(err)
	}
	if status, answer = u.send(t, "GET", back.String(), ""); status != http.StatusOK {
		t.Fatalf("the callback answers %d %s", status, answer)
	}
	hear("the callback", status, answer)
}

// secrets gives every secret in Secrets Manager, by name and member.
func (u *tourist) secrets(t *testing.T) map[string]string {
	t.Helper()
	client := newProvision(u.env["AWS_ENDPOINT_URL"]).secrets
	list, err := client.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range list.SecretList {
		value, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: s.ARN})
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if json.Unmarshal([]byte(aws.ToString(value.SecretString)), &members) != nil {
			t.Fatalf("the secret %s is no object", aws.ToString(s.Name))
		}
		for name, member := range members {
			text, _ := member.(string)
			if address, err := url.Parse(text); err == nil && address.User != nil {
				text, _ = address.User.Password()
			}
			if len(text) >= 12 && strings.ContainsAny(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") || strings.Contains(name, "token") && len(text) > 20 {
				found[aws.ToString(s.Name)+" "+name] = text
			}
		}
	}
	return found
}

// tables gives the text of every table's rows.
func (u *tourist) tables(t *testing.T) map[string]string {
	t.Helper()
	rows, err := u.db.Query(t.Context(), `select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range names {
		texts["the table "+name] = u.ask(t, `select coalesce(string_agg(t::text, E'\n'), '') from `+name+` t`)
	}
	return texts
}
