//go:build !linux

package process

// PeakMemory returns 0: the system does not tell.
func (p *Process) PeakMemory() int64 { return 0 }
