package secretsmanager

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// labels is a secret under random writes and moves.
type labels struct {
	secret secret
	now    time.Time
	next   int
}

func (l *labels) Put(t *rapid.T) {
	l.next++
	before := l.secret.at(stageCurrent)
	text := strconv.Itoa(l.next)
	stages := rapid.SliceOfNDistinct(label(), 1, 3, rapid.ID).Draw(t, "stages")
	added, err := l.secret.add(l.now, strings.Repeat("x", 32)+text, value{SecretString: &text}, stages)
	if err != nil {
		return
	}
	for _, stage := range stages {
		// AWSPREVIOUS named beside AWSCURRENT goes to the version that was current, as it does alone.
		if stage != stagePrevious && l.secret.at(stage) != added {
			t.Fatalf("%s is not at the version that was put under it", stage)
		}
	}
	l.previousFollows(t, before)
}

func (l *labels) Move(t *rapid.T) {
	before := l.secret.at(stageCurrent)
	stage := label().Draw(t, "stage")
	from, to := l.version(t, "from"), l.version(t, "to")
	holder := l.secret.at(stage)
	err := l.secret.move(stage, from, to)
	switch target := l.secret.version(to); {
	case err != nil && l.secret.at(stage) != holder:
		t.Fatalf("%s moved though it was refused: %v", stage, err)
	case err == nil && l.secret.at(stage) != target:
		t.Fatalf("%s did not move", stage)
	}
	l.previousFollows(t, before)
}

func (l *labels) Wait(*rapid.T) { l.now = l.now.Add(13 * time.Hour) }

// previousFollows checks that the version that ceased to be current is the previous one.
func (l *labels) previousFollows(t *rapid.T, before *version) {
	current := l.secret.at(stageCurrent)
	if before != nil && current == nil {
		t.Fatal("nothing is current any more")
	}
	if before != nil && before != current && l.secret.at(stagePrevious) != before {
		t.Fatal("what was current is not the previous version")
	}
}

func (l *labels) Check(t *rapid.T) {
	seen := map[string]bool{}
	for _, v := range l.secret.Versions {
		if !slices.IsSorted(v.Stages) {
			t.Fatalf("%v", v.Stages)
		}
		for _, stage := range v.Stages {
			if seen[stage] {
				t.Fatalf("%s is at two versions", stage)
			}
			seen[stage] = true
		}
	}
	if len(l.secret.Versions) > maxVersions {
		t.Fatalf("%d versions", len(l.secret.Versions))
	}
}

func (l *labels) version(t *rapid.T, name string) string {
	ids := []string{""}
	for _, v := range l.secret.Versions {
		ids = append(ids, v.ID)
	}
	return rapid.SampledFrom(ids).Draw(t, name)
}

func label() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{stageCurrent, stagePrevious, "AWSPENDING", "mine"})
}

func TestLabelsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		t.Repeat(rapid.StateMachineActions(&labels{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}))
	})
}
