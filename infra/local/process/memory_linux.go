package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// PeakMemory returns the most memory in bytes that the process has had resident; 0 when it has ended, or where the system does not tell.
//
// https://www.kernel.org/doc/html/latest/filesystems/proc.html
func (p *Process) PeakMemory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte(" kB\n"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
