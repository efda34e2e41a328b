package cost_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/cost"
)

// alarms is how many the template has.
const alarms = 12

// cases are the columns of the page's table.
func cases() []struct {
	name string
	use  cost.Use
} {
	return []struct {
		name string
		use  cost.Use
	}{
		{"a small team", cost.Use{Records: 90, Databases: 4, NotionEdits: 40, RowEdits: 40, Subscribers: 1, Polls: 1_000, PollMinutes: 5, RetentionDays: 30, Alarms: alarms, Secrets: 1, MaxConcurrency: 4}},
		{"an organisation", cost.Use{Records: 10_000, Databases: 4, NotionEdits: 1_000, RowEdits: 2_000, Subscribers: 3, Polls: 50_000, PollMinutes: 5, RetentionDays: 30, Alarms: alarms, Secrets: 2, MaxConcurrency: 4}},
		{"a busy platform", cost.Use{Records: 100_000, Databases: 10, NotionEdits: 5_000, RowEdits: 20_000, Subscribers: 10, Polls: 1_000_000, PollMinutes: 1, RetentionDays: 90, Alarms: alarms, Secrets: 5, MaxConcurrency: 10}},
	}
}

func rows() string {
	head, rule := "| |", "|---|"
	var lines [11]string
	names := [11]string{"records", "edits a day, Notion + rows", "API calls a day", "Lambda", "HTTP API", "SQS", "Secrets Manager", "CloudWatch alarms", "CloudWatch logs", "**a month**", "Notion requests a minute"}
	for _, c := range cases() {
		head, rule = head+" "+c.name+" |", rule+"---|"
		m := cost.Estimate(c.use, cost.Ireland())
		column := [11]string{
			fmt.Sprint(c.use.Records), fmt.Sprintf("%d + %d", c.use.NotionEdits, c.use.RowEdits), fmt.Sprint(c.use.Polls), dollars(m.Lambda), dollars(m.API), dollars(m.Queues),
			dollars(m.Secrets), dollars(m.Alarms), dollars(m.Logs), "**" + dollars(m.Dollars) + "**", fmt.Sprintf("%.1f", m.NotionPerMinute),
		}
		for i := range lines {
			lines[i] += " " + column[i] + " |"
		}
	}
	var b strings.Builder
	b.WriteString(head + "\n" + rule + "\n")
	for i, l := range lines {
		b.WriteString("| " + names[i] + " |" + l + "\n")
	}
	return b.String()
}

func dollars(d float64) string { return fmt.Sprintf("$ %.2f", d) }

// TestPage: the table of docs/COST.md is what the model gives.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "COST.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), rows()) {
		t.Errorf("docs/COST.md must have\n%s", rows())
	}
}

// TestTheTemplate: what the model counts is what the template has.
func TestTheTemplate(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile(filepath.Join("..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"Type: AWS::CloudWatch::Alarm\n": alarms, "Schedule: rate(1 minute)": cost.EveryMinute, "          Type: SQS\n": cost.Queues,
	} {
		if n := strings.Count(string(template), text); n != want {
			t.Errorf("the template has %d of %q, the model %d", n, text, want)
		}
	}
}

// TestByHand works one month out with the page's formulae, step by step.
func TestByHand(t *testing.T) {
	t.Parallel()
	got := cost.Estimate(cost.Use{Records: 90, Databases: 2, NotionEdits: 10, RowEdits: 10, Subscribers: 2, Polls: 100, PollMinutes: 10, Secrets: 1, MaxConcurrency: 2}, cost.Prices{
		Request: 1, GBSecond: 10, Call: 100, Message: 1000, Secret: 7,
	})
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6*math.Abs(want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	near("invocations", got.Invocations, 2*3000+4320+133200+8640+1200)
	near("GB-seconds", got.GBSeconds, 0.125*(6000*0.15+(4320+133200)*0.2+1200*0.5)+0.25*(8640*1+600*0.4))
	near("messages", got.Messages, 4*5*2592000/20+3*(8640+1200))
	near("requests to Notion", got.NotionRequests, 2*8640+30+43200+600)
	near("requests to Notion a minute", got.NotionPerMinute, 0.4+1+20.0/1440)
	near("Lambda", got.Lambda, got.Invocations+10*got.GBSeconds)
	near("API", got.API, 300000)
	near("queues", got.Queues, 1000*got.Messages)
	near("all", got.Dollars, got.Lambda+got.API+got.Queues+7)
}

// TestMoreIsNotCheaper: whatever there is more of, nothing gets cheaper.
func TestMoreIsNotCheaper(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, least int) int { return rapid.IntRange(least, 100_000).Draw(t, name) }
		u := cost.Use{
			Records: n("records", 0), Databases: 1 + n("databases", 0)%50, NotionEdits: n("edits", 0), RowEdits: n("row edits", 0), Subscribers: n("subscribers", 0) % 100,
			Polls: n("polls", 0), PollMinutes: 2 + n("minutes", 0)%60, RetentionDays: 1 + n("days", 0)%365, Alarms: n("alarms", 0) % 100, Secrets: n("secrets", 0) % 10, MaxConcurrency: 2 + n("workers", 0)%100,
		}
		before := cost.Estimate(u, cost.Ireland()).Dollars
		for name, more := range map[string]func(*cost.Use){
			"edits": func(u *cost.Use) { u.NotionEdits++ }, "rows": func(u *cost.Use) { u.RowEdits++ }, "subscribers": func(u *cost.Use) { u.Subscribers++ },
			"polls": func(u *cost.Use) { u.Polls++ }, "haste": func(u *cost.Use) { u.PollMinutes-- }, "alarms": func(u *cost.Use) { u.Alarms++ }, "days": func(u *cost.Use) { u.RetentionDays++ },
		} {
			then := u
			more(&then)
			if after := cost.Estimate(then, cost.Ireland()).Dollars; after < before-1e-9 {
				t.Fatalf("more %s: %v before, %v after", name, before, after)
			}
		}
	})
}
