// Command bench is the Go side of the benchmarks. It stays up and takes one command a line on stdin, so that its rounds can
// alternate with those of pyro-pull; each answer is one JSON object a line.
//
//	load NAME BEFORE AFTER   reads two gzip'd profiles, keeps the first one parsed and scaled by -1
//	delta NAME COUNT         Parse(AFTER), Merge with what is kept, Write, scale what was parsed: so many times
//	exec COMMAND ARG...      runs a command to its end (arguments hold no spaces)
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/pprof/profile"
)

type pair struct {
	negated *profile.Profile
	ratios  []float64
	after   []byte
}

type answer struct {
	CPUMicros  int64            `json:"cpuMicros"`
	WallMicros int64            `json:"wallMicros"`
	MaxRSSKiB  int64            `json:"maxRssKiB,omitempty"`
	Bytes      int              `json:"bytes,omitempty"`
	Totals     map[string]int64 `json:"totals,omitempty"`
	Error      string           `json:"error,omitempty"`
}

var pairs = map[string]pair{}

func main() {
	out := json.NewEncoder(os.Stdout)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		result, err := run(strings.Fields(in.Text()))
		if err != nil {
			result.Error = err.Error()
		}
		if err := out.Encode(result); err != nil {
			panic(err)
		}
	}
}

func run(command []string) (answer, error) {
	if len(command) < 2 {
		return answer{}, fmt.Errorf("incomplete command %q", command)
	}
	switch command[0] {
	case "load":
		return answer{}, load(command[1], command[2], command[3])
	case "delta":
		count, err := strconv.Atoi(command[2])
		if err != nil {
			return answer{}, err
		}
		return delta(pairs[command[1]], count)
	case "exec":
		return execute(command[1:])
	}
	return answer{}, fmt.Errorf("unknown command %q", command[0])
}

func load(name, before, after string) error {
	beforeBytes, err := os.ReadFile(before)
	if err != nil {
		return err
	}
	negated, err := profile.ParseData(beforeBytes)
	if err != nil {
		return err
	}
	ratios := make([]float64, len(negated.SampleType))
	for i, sampleType := range negated.SampleType {
		if isCumulative(sampleType.Type) {
			ratios[i] = -1
		}
	}
	if err := negated.ScaleN(ratios); err != nil {
		return err
	}
	afterBytes, err := os.ReadFile(after)
	if err != nil {
		return err
	}
	pairs[name] = pair{negated, ratios, afterBytes}
	return nil
}

func delta(p pair, count int) (answer, error) {
	var out bytes.Buffer
	var merged *profile.Profile
	runtime.GC()
	before, start := usage(syscall.RUSAGE_SELF), time.Now()
	for range count {
		current, err := profile.ParseData(p.after)
		if err != nil {
			return answer{}, err
		}
		merged, err = profile.Merge([]*profile.Profile{p.negated, current})
		if err != nil {
			return answer{}, err
		}
		out.Reset()
		if err := merged.Write(&out); err != nil {
			return answer{}, err
		}
		// What the next round needs of this one.
		if err := current.ScaleN(p.ratios); err != nil {
			return answer{}, err
		}
	}
	result := answer{
		CPUMicros:  cpuMicros(usage(syscall.RUSAGE_SELF)) - cpuMicros(before),
		WallMicros: time.Since(start).Microseconds(),
		Bytes:      out.Len(),
		Totals:     map[string]int64{},
	}
	for i, sampleType := range merged.SampleType {
		for _, sample := range merged.Sample {
			result.Totals[sampleType.Type] += sample.Value[i]
		}
	}
	return result, nil
}

func execute(command []string) (answer, error) {
	cmd := exec.Command(command[0], command[1:]...)
	var output bytes.Buffer
	cmd.Stderr = &output
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return answer{}, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, output.String())
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return answer{}, fmt.Errorf("no resource usage of %s", command[0])
	}
	return answer{
		CPUMicros:  cpuMicros(*used),
		WallMicros: time.Since(start).Microseconds(),
		MaxRSSKiB:  used.Maxrss,
	}, nil
}

func isCumulative(sampleType string) bool {
	switch sampleType {
	case "alloc_objects", "alloc_space", "contentions", "delay":
		return true
	}
	return false
}

func usage(who int) syscall.Rusage {
	var used syscall.Rusage
	if err := syscall.Getrusage(who, &used); err != nil {
		panic(err)
	}
	return used
}

func cpuMicros(used syscall.Rusage) int64 {
	return (used.Utime.Nano() + used.Stime.Nano()) / 1000
}
