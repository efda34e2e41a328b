package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
)

// folder says whose the state is: the project's folder has an id of its own, under which it keeps what lies outside of it (its database where
// PostgreSQL's user cannot enter the folder) and what it has in databases that it shares with others (its API key).
type folder struct {
	ID   string
	Path string // of the state when the system last ran
}

// readFolder returns what the state says of its folder; empty when it says nothing.
func (s settings) readFolder() folder { return folderAt(s.state) }

// folderAt returns what the state at a path says of its folder; empty when it says nothing, or is not there.
func folderAt(state string) (f folder) {
	content, err := os.ReadFile(filepath.Join(state, folderFile)) //nolint:gosec // in a folder that is ours
	if err != nil || json.Unmarshal(content, &f) != nil {
		return folder{}
	}
	return f
}

// ownFolder returns the folder's id, and makes one up for a new folder and for a copy of another one: the copy has to get its own database. A folder
// that was moved keeps its id. What a version before ids kept for this path becomes this folder's.
func (s settings) ownFolder(ctx context.Context) (folder, error) {
	path, err := filepath.Abs(s.state)
	if err != nil {
		return folder{}, err
	}
	f := s.readFolder()
	if f.ID != "" && f.Path == path {
		return f, nil
	}
	switch fresh := strings.ToLower(rand.Text()[:12]); {
	case f.ID == "":
		f.ID = fresh
		if err := postgres.Adopt(ctx, s.kept(databaseDir), f.ID); err != nil {
			return folder{}, err
		}
	case folderAt(f.Path).ID == f.ID: // the folder from which this state comes is still there: this one is its copy
		f.ID = fresh
	}
	f.Path = path
	content, err := json.Marshal(f)
	if err != nil {
		return folder{}, err
	}
	return f, os.WriteFile(s.kept(folderFile), content, 0o600) //nolint:gosec // in the folder that is ours
}

// exists reports whether a file is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
