// Package settings holds what may be set at run time, for each connection. Pure.
package settings

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// Plan is the plan of a Notion workspace, which decides how many requests it takes.
type Plan string

// The plans.
const (
	Standard Plan = "standard"
	Business Plan = "business"
)

// Requests returns how many requests a workspace of the plan takes in 60 s.
//
// https://developers.notion.com/reference/request-limits
func (p Plan) Requests() int {
	if p == Business {
		return 600
	}
	return 180
}

// The bounds of the interval between scheduled syncs.
const (
	IntervalLeast = 5 * time.Minute // how often the schedule ticks
	IntervalMost  = 24 * time.Hour
)

// Settings are a connection's.
type Settings struct {
	ConnectionID string
	Name         string
	Policy       merge.Rule        // settles fields that both sides changed
	Interval     time.Duration     // between scheduled syncs; zero: each time that the schedule ticks
	Plan         Plan              // "": what the environment says
	Databases    map[string]string // Notion databases by kind, beside those of the environment
	Version      int64             // grows with each change
	SetAside     []mapping.SetAside
}

// Policies returns the rules that may be set.
func Policies() []merge.Rule {
	return []merge.Rule{merge.Newest, merge.NotionWins, merge.SupabaseWins, merge.Manual}
}

// Patch is what to change; what is nil stays.
type Patch struct {
	Policy    *merge.Rule       `json:"conflict_policy"`
	Minutes   *int              `json:"sync_interval_minutes"`
	Plan      *Plan             `json:"notion_plan"`
	Databases map[string]string `json:"databases"`
}

// Change is a setting that changed.
type Change struct {
	Setting string `json:"setting"`
	From    string `json:"from"`
	To      string `json:"to"`
}

var databaseID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// With returns the settings with a patch laid over them, and what changed by it. kinds are those that may have a database. fault.Invalid: a
// value is none that the setting may have.
func (s Settings) With(p Patch, kinds []string) (Settings, []Change, error) {
	is := s
	is.Databases = maps.Clone(s.Databases)
	if is.Databases == nil {
		is.Databases = map[string]string{}
	}
	if p.Policy != nil {
		if !slices.Contains(Policies(), *p.Policy) {
			return s, nil, fault.New(fault.Invalid, "conflict_policy must be %s.", fault.OneOf(Policies()))
		}
		is.Policy = *p.Policy
	}
	if p.Plan != nil {
		if *p.Plan != Standard && *p.Plan != Business {
			return s, nil, fault.New(fault.Invalid, "notion_plan must be standard or business.")
		}
		is.Plan = *p.Plan
	}
	if p.Minutes != nil {
		is.Interval = time.Duration(*p.Minutes) * time.Minute
		if *p.Minutes < 0 || *p.Minutes > int(IntervalMost.Minutes()) || *p.Minutes > 0 && is.Interval < IntervalLeast {
			return s, nil, fault.New(fault.Invalid, "sync_interval_minutes must be from %.0f to %.0f, or 0 for each tick of the schedule.",
				IntervalLeast.Minutes(), IntervalMost.Minutes())
		}
	}
	for kind, id := range p.Databases {
		if !slices.Contains(kinds, kind) {
			return s, nil, fault.New(fault.Invalid, "There is no database %.50q; there are %s.", kind, strings.Join(kinds, ", "))
		}
		switch {
		case id == "":
			delete(is.Databases, kind)
		case databaseID.MatchString(strings.ReplaceAll(id, "-", "")):
			is.Databases[kind] = id
		default:
			return s, nil, fault.New(fault.Invalid, "The database of %s must be a Notion database's id, 32 hexadecimal digits, or empty for none.", kind)
		}
	}
	return is, changes(s, is, kinds), nil
}

func changes(was, is Settings, kinds []string) []Change {
	all := []Change{
		{"conflict_policy", string(was.Policy), string(is.Policy)},
		{"sync_interval_minutes", minutes(was.Interval), minutes(is.Interval)},
		{"notion_plan", string(was.Plan), string(is.Plan)},
	}
	for _, kind := range kinds {
		all = append(all, Change{"databases." + kind, was.Databases[kind], is.Databases[kind]})
	}
	return slices.DeleteFunc(all, func(c Change) bool { return c.From == c.To })
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d.Minutes())) }

var rate = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`)

// Every returns how often a schedule expression ticks; zero for one that does not tick evenly.
func Every(expression string) time.Duration {
	match := rate.FindStringSubmatch(expression)
	if match == nil {
		return 0
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		return 0
	}
	return time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[match[2]]
}
