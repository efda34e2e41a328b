package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// TestSecretsAreToldToNobody: a workspace is connected, syncs run and fail, every route is driven, a subscriber's secret is made; then none of
// what Secrets Manager keeps, and none of the others, stands in a log line, a table's row or an answer, but for the answer that tells a new one.
func TestSecretsAreToldToNobody(t *testing.T) {
	t.Parallel()
	u := arrive(t, "LOG_FORMAT=json") // all of every line
	var answers output
	secrets := u.connect(t, &answers)
	var subscribed struct {
		ID     string `json:"subscription_id"`
		Secret string `json:"secret"`
	}
	_, told := u.send(t, "POST", u.api("/events/subscribe"), `{"callback_url":"`+u.env["API_URL"]+`/_receiver/x","event_types":["*"]}`)
	if err := json.Unmarshal(told, &subscribed); err != nil || subscribed.Secret == "" {
		t.Fatalf("subscribed: %s", told)
	}
	u.exec(t, `update partners set location = 'Hobart'`)
	u.sync(t)
	u.simulate(t, "faults", `{"rules":[{"route":"/v1/data_sources/{id}/query","status":401,"times":3},{"method":"PATCH","status":500,"times":5}]}`)
	_, answer := u.send(t, "POST", u.api("/sync/trigger"), `{"type":"full"}`)
	_, _ = answers.Write(answer)
	u.settle(t)
	u.simulate(t, "faults", `{"rules":[]}`)
	for _, a := range drive(t, u.env["API_URL"], script(projectTemplate(t, u.env, "127.0.0.1").Functions, u.env["API_KEY"]), func() { u.settle(t) }) {
		_, _ = answers.Write(a.body)
	}

	kept := u.secrets(t)
	if len(kept) < 5 {
		t.Errorf("Secrets Manager keeps only %d secrets", len(kept))
	}
	_, told = u.send(t, "POST", u.api("/events/subscriptions/"+subscribed.ID+"/rotate-secret"), ``)
	first := subscribed.Secret
	if err := json.Unmarshal(told, &subscribed); err != nil || subscribed.Secret == first {
		t.Fatalf("rotated: %s", told)
	}
	u.searchFor(t, slices.Concat(secrets, kept, []string{u.env["NOTION_PERSON_TOKEN"], first, subscribed.Secret}), map[string]string{"the answers": answers.String()})
}

// simulate has the simulator do something.
func (u *tourist) simulate(t *testing.T, what, body string) {
	t.Helper()
	if status, answer := u.send(t, "POST", u.env["NOTION_URL"]+"/_sim/"+what, body); status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", what, body, status, answer)
	}
}

// secrets returns every secret in Secrets Manager.
func (u *tourist) secrets(t *testing.T) []string {
	t.Helper()
	client := newProvision(u.env["AWS_ENDPOINT_URL"]).secrets
	list, err := client.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
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
				found = append(found, text)
			}
		}
	}
	return found
}
