package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portHolder names the process that listens on a port of this machine: "python3 (process 12, in /home/me)". It is "" where that cannot be told:
// on another system than Linux, or when the process is another user's.
func portHolder(port int) string {
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listening(table, port, sockets)
	}
	if len(sockets) == 0 {
		return ""
	}
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well-formed
	for _, descriptor := range descriptors {
		target, err := os.Readlink(descriptor)
		if err != nil || !sockets[target] {
			continue
		}
		process := filepath.Dir(filepath.Dir(descriptor))
		name, err := os.ReadFile(filepath.Join(process, "comm")) //nolint:gosec // a process's own
		if err != nil {
			return ""
		}
		place := ""
		if folder, err := os.Readlink(filepath.Join(process, "cwd")); err == nil {
			place = ", in " + folder
		}
		return fmt.Sprintf("%s (process %s%s)", strings.TrimSpace(string(name)), filepath.Base(process), place)
	}
	return ""
}

// listening adds the sockets that listen on a port, as a process's descriptors name them.
//
// https://docs.kernel.org/networking/proc_net_tcp.html
func listening(table string, port int, sockets map[string]bool) {
	file, err := os.Open(table) //nolint:gosec // one of two
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	const listen = "0A"
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listen {
			continue
		}
		_, hexadecimal, _ := strings.Cut(fields[1], ":")
		if number, err := strconv.ParseUint(hexadecimal, 16, 16); err == nil && int(number) == port {
			sockets["socket:["+fields[9]+"]"] = true
		}
	}
}
