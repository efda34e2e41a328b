package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// memory is where Linux keeps files in memory, and room how much of it has to be free, in bytes: a test's database is a copy of some hundred
// files, and that is most of what a server on a disk does here.
const (
	memory        = "/dev/shm"
	room   uint64 = 4 << 30
)

// folder makes a folder for a server: in memory where there is room, else where temporary files are. It is named after the process, so that
// what one that was killed left in memory is known to be nobody's, and goes.
func folder() (string, error) {
	if os.Getenv("TMPDIR") != "" || !roomy(memory) {
		return os.MkdirTemp("", "pgtest")
	}
	const prefix = "pgtest-"
	left, err := filepath.Glob(filepath.Join(memory, prefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
	return os.MkdirTemp(memory, fmt.Sprintf("%s%d-", prefix, os.Getpid()))
}

func roomy(dir string) bool {
	var disk syscall.Statfs_t
	return syscall.Statfs(dir, &disk) == nil && disk.Bavail*uint64(disk.Bsize) >= room
}
