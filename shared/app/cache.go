package app

import (
	"time"

	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
)

// cache remembers what is dear to ask for of the connection, in this process and in Postgres once there is a pool.
func (p deps) cache() *cache.Cache {
	store := func() cache.Store {
		if pool := p.gauge.pool.Load(); pool != nil {
			return postgres.Cache{Pool: pool, ConnectionID: p.id()}
		}
		return nil
	}
	return cache.New(store, time.Now, p.observe)
}

// How long what is cached is fresh, and may be given as stale while its source is away. What a sync goes by is never cached.
func schemaCache() cache.Kind {
	return cache.Kind{Name: stats.SchemaEntry, TTL: 10 * time.Minute, Keep: 24 * time.Hour}
}

func healthCache() cache.Kind { return cache.Kind{Name: stats.HealthEntry, TTL: 8 * time.Second} }

// busyCache is for looks at Notion while its budget is spent.
func busyCache() cache.Kind { return cache.Kind{Name: stats.HealthEntry, TTL: 30 * time.Second} }

func statusCache() cache.Kind {
	return cache.Kind{Name: stats.StatusEntry, TTL: 2 * time.Second}
}

func dashboardCache() cache.Kind {
	return cache.Kind{Name: stats.DashboardEntry, TTL: 5 * time.Second, Keep: time.Hour}
}
