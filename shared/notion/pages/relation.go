package pages

import (
	"cmp"
	"context"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Relations returns the database's relations, and where they lead.
func (s *Side) Relations(ctx context.Context, dataSourceID string) ([]consistency.Relation, error) {
	source, err := s.client.DataSource(ctx, dataSourceID)
	if err != nil {
		return nil, err
	}
	var relations []consistency.Relation
	for _, p := range source.Properties {
		if p.Type == property.TypeRelation {
			relations = append(relations, consistency.Relation{ID: p.ID, Name: p.Name, DataSourceID: p.RelatedTo})
		}
	}
	slices.SortFunc(relations, func(a, b consistency.Relation) int { return cmp.Compare(a.Name, b.Name) })
	return relations, nil
}
