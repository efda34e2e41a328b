// Package cost is the model of docs/COST.md: what a month costs in AWS and how much of Notion's budget it uses, from what is kept in
// step and how much happens. Pure; prices are given.
package cost

import "math"

// Month is how many days, hours and seconds a month has here.
const (
	days    = 30
	hours   = days * 24
	seconds = hours * 3600
)

// Use is what is kept in step, and what happens in a day.
type Use struct {
	Records        int // in all databases together
	Databases      int
	NotionEdits    int // records that people edit in Notion, a day
	RowEdits       int // rows that the application changes, a day
	Subscribers    int // that are told of each event
	Polls          int // calls of the API, a day
	PollMinutes    int // between two scheduled looks
	RetentionDays  int // of logs
	Alarms         int
	Secrets        int
	MaxConcurrency int // workers at once
}

// Prices are AWS's, in US dollars, and the sizes of the functions.
type Prices struct {
	Request       float64 // a Lambda request
	GBSecond      float64 // of Lambda, arm64
	Call          float64 // of the HTTP API
	Message       float64 // an SQS request, FIFO
	Secret        float64 // a month
	SecretCall    float64
	Alarm         float64 // a month
	LogGB         float64 // taken in
	LogGBMonth    float64 // kept
	FreeRequests  float64 // a month
	FreeGBSeconds float64
	FreeMessages  float64
	FreeAlarms    float64
	FreeLogGB     float64
}

// Ireland returns the prices of eu-west-1, November 2026, without taxes.
func Ireland() Prices {
	return Prices{
		Request: 0.20e-6, GBSecond: 13.3334e-6, Call: 1.11e-6, Message: 0.50e-6, Secret: 0.40, SecretCall: 5e-6, Alarm: 0.10,
		LogGB: 0.57, LogGBMonth: 0.03, FreeRequests: 1e6, FreeGBSeconds: 400e3, FreeMessages: 1e6, FreeAlarms: 10, FreeLogGB: 5,
	}
}

// What an invocation takes; measured on the local Lambda host and rounded up. Memory in GB, time in seconds, logs in bytes.
const (
	small, large      = 0.125, 0.25
	answerTime        = 0.15 // an API call with its database, and the authorizer's
	scheduleTime      = 0.20
	lookTime          = 1.0 // one database in which little changed: a listing and a transaction
	recordTime        = 0.4 // a record written: one request to Notion, and its part of a batch
	deliveryTime      = 0.5
	line              = 600 // bytes of a log line
	pageSize          = 100 // records in an answer of Notion
	eventsPerRecord   = 1.0
	wholeListingAfter = 100 // records up to which a database is always listed whole
)

// What runs whether anything happens or not. A test compares it with the template.
const (
	EveryMinute = 3 // functions that run once a minute
	anHour      = 5 // invocations of others an hour
	Queues      = 4 // that Lambda polls for messages
	pollers     = 5 // long polls that Lambda keeps open at an idle queue, of 20 s each: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
)

// Month is what a month comes to.
type Month struct {
	Invocations, GBSeconds, Calls, Messages, LogGB, NotionRequests       float64
	Lambda, API, Queues, Secrets, Alarms, Logs, Dollars, NotionPerMinute float64
}

// Estimate works a month out.
func Estimate(u Use, p Prices) Month {
	looks := float64(days*24*60) / float64(u.PollMinutes)
	parts := looks * float64(u.Databases)
	records := float64(u.NotionEdits+u.RowEdits) * days
	deliveries := records * eventsPerRecord * float64(u.Subscribers)
	calls := float64(u.Polls) * days

	var m Month
	m.Calls = calls
	watches := float64(EveryMinute*hours*60 + anHour*hours)
	m.Invocations = 2*calls + looks + watches + parts + deliveries // an API call is two: the authorizer, and the function
	m.GBSeconds = small*(2*calls*answerTime+(looks+watches)*scheduleTime+deliveries*deliveryTime) + large*(parts*lookTime+records*recordTime)
	idle := float64(Queues*pollers) * seconds / 20 // whether anything comes or not
	m.Messages = idle + 3*(parts+deliveries)       // sent, received, deleted
	m.LogGB = (2*m.Invocations + calls) * line / 1e9
	// The schema and a listing for each part, a complete listing a day, the monitor's check each minute, and two for a changed row: looked at,
	// written.
	m.NotionRequests = parts*(1+listing(u)) + float64(days)*math.Ceil(float64(u.Records)/pageSize) + hours*60 + 2*float64(u.RowEdits)*days
	m.NotionPerMinute = (1+listing(u))*float64(u.Databases)/float64(u.PollMinutes) + 1 + 2*float64(u.RowEdits)/(24*60)

	m.Lambda = above(m.Invocations, p.FreeRequests)*p.Request + above(m.GBSeconds, p.FreeGBSeconds)*p.GBSecond
	m.API = calls * p.Call
	m.Queues = above(m.Messages, p.FreeMessages) * p.Message
	reads := float64(hours) * 12 * math.Min(float64(u.MaxConcurrency), 2) // remembered for five minutes in each environment
	m.Secrets = float64(u.Secrets)*p.Secret + reads*p.SecretCall
	m.Alarms = above(float64(u.Alarms), p.FreeAlarms) * p.Alarm
	kept := m.LogGB * float64(u.RetentionDays) / days
	m.Logs = above(m.LogGB, p.FreeLogGB)*p.LogGB + kept*p.LogGBMonth
	m.Dollars = m.Lambda + m.API + m.Queues + m.Secrets + m.Alarms + m.Logs
	return m
}

// listing returns how many requests one look at a database takes: one, and one more for each hundred records that were edited since.
func listing(u Use) float64 {
	if u.Databases == 0 {
		return 0
	}
	edited := float64(u.NotionEdits) / float64(u.Databases) * float64(u.PollMinutes) / (24 * 60)
	if u.Records/u.Databases <= wholeListingAfter {
		return 1
	}
	return 1 + math.Floor(edited/pageSize)
}

// above returns what goes beyond what is free.
func above(used, free float64) float64 { return math.Max(0, used-free) }
