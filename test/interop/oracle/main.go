// Command oracle says what is in pprof files, and what is right, by google/pprof alone. It shares no code with what it
// judges. Everything is printed as one JSON object.
//
//	oracle describe FILE              totals, sums by function, odd things
//	oracle judge RESULT BEFORE AFTER  compares RESULT, sample by sample, with the difference of two snapshots
//	oracle judge RESULT SNAPSHOT      compares RESULT with one snapshot
//	oracle cpu ROUNDS < COMMANDS      CPU time of commands (a JSON array of argument arrays), run in turns
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/google/pprof/profile"
)

func main() {
	result, err := run(os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run(args []string) (any, error) {
	switch {
	case len(args) == 2 && args[0] == "describe":
		profiles, err := read(args[1:])
		if err != nil {
			return nil, err
		}
		return describe(profiles[0]), nil
	case (len(args) == 3 || len(args) == 4) && args[0] == "judge":
		profiles, err := read(args[1:])
		if err != nil {
			return nil, err
		}
		return judge(profiles[0], profiles[1:])
	case len(args) == 2 && args[0] == "cpu":
		return measureCPU(args[1], os.Stdin)
	}
	return nil, fmt.Errorf("unknown arguments %q", args)
}

// read parses the files, each of which must also be valid.
func read(files []string) ([]*profile.Profile, error) {
	profiles := make([]*profile.Profile, len(files))
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if profiles[i], err = profile.ParseData(data); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if err := profiles[i].CheckValid(); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return profiles, nil
}

// description is what a reader of a profile may ask for. Values are by sample type.
type description struct {
	SampleTypes       []string                    `json:"sampleTypes"` // "alloc_space/bytes"
	DefaultSampleType string                      `json:"defaultSampleType"`
	PeriodType        string                      `json:"periodType"`
	Period            int64                       `json:"period"`
	TimeNanos         string                      `json:"timeNanos"` // too large for a JSON number
	DurationNanos     int64                       `json:"durationNanos"`
	Samples           int                         `json:"samples"`
	Totals            map[string]int64            `json:"totals"`
	WithoutStack      map[string]int64            `json:"withoutStack"` // the part of Totals that no frame accounts for
	Lowest            int64                       `json:"lowest"`
	ZeroSamples       int                         `json:"zeroSamples"`
	DuplicateSamples  int                         `json:"duplicateSamples"`
	UnusedLocations   int                         `json:"unusedLocations"`
	UnusedFunctions   int                         `json:"unusedFunctions"`
	Functions         map[string]map[string]int64 `json:"functions"`        // samples that have the function on their stack
	ProgramFunctions  map[string]map[string]int64 `json:"programFunctions"` // the same without contentions of the runtime's own locks
	Labels            []string                    `json:"labels"`           // keys
	BuildIDs          []string                    `json:"buildIds"`
}

// isOfRuntimeLock tells whether a sample is of a lock of the runtime itself. Since Go 1.25 the mutex profile counts these at
// the code that held the lock (mLockProfile in runtime/mprof.go): sync.Mutex.Unlock, which wakes a goroutine under such
// locks, shows more contentions than it had, and how many depends on what other threads do.
func isOfRuntimeLock(sample *profile.Sample) bool {
	if len(sample.Location) == 0 || len(sample.Location[0].Line) == 0 {
		return false
	}
	function := sample.Location[0].Line[0].Function
	return function != nil && function.Name == "runtime.unlock"
}

func describe(p *profile.Profile) description {
	d := description{
		DefaultSampleType: p.DefaultSampleType,
		Period:            p.Period,
		TimeNanos:         fmt.Sprint(p.TimeNanos),
		DurationNanos:     p.DurationNanos,
		Samples:           len(p.Sample),
		Totals:            map[string]int64{},
		WithoutStack:      map[string]int64{},
		Functions:         map[string]map[string]int64{},
		ProgramFunctions:  map[string]map[string]int64{},
		Labels:            []string{},
		BuildIDs:          []string{},
	}
	if p.PeriodType != nil {
		d.PeriodType = p.PeriodType.Type + "/" + p.PeriodType.Unit
	}
	for _, t := range p.SampleType {
		d.SampleTypes = append(d.SampleTypes, t.Type+"/"+t.Unit)
		d.Totals[t.Type] = 0
		d.WithoutStack[t.Type] = 0
	}
	for _, m := range p.Mapping {
		d.BuildIDs = append(d.BuildIDs, m.BuildID)
	}

	usedLocations := map[*profile.Location]bool{}
	usedFunctions := map[*profile.Function]bool{}
	seen := map[string]bool{}
	labels := map[string]bool{}
	for _, sample := range p.Sample {
		key := sampleKey(sample)
		if seen[key] {
			d.DuplicateSamples++
		}
		seen[key] = true
		if !slices.ContainsFunc(sample.Value, func(v int64) bool { return v != 0 }) {
			d.ZeroSamples++
		}
		for name := range sample.Label {
			labels[name] = true
		}
		for name := range sample.NumLabel {
			labels[name] = true
		}
		onStack := map[string]bool{}
		for _, location := range sample.Location {
			usedLocations[location] = true
			for _, line := range location.Line {
				if line.Function != nil {
					usedFunctions[line.Function] = true
					onStack[line.Function.Name] = true
				}
			}
		}
		for i, t := range p.SampleType {
			d.Totals[t.Type] += sample.Value[i]
			if len(sample.Location) == 0 {
				d.WithoutStack[t.Type] += sample.Value[i]
			}
			d.Lowest = min(d.Lowest, sample.Value[i])
			for name := range onStack {
				add(d.Functions, name, t.Type, sample.Value[i])
				if !isOfRuntimeLock(sample) {
					add(d.ProgramFunctions, name, t.Type, sample.Value[i])
				}
			}
		}
	}
	for name := range labels {
		d.Labels = append(d.Labels, name)
	}
	slices.Sort(d.Labels)
	d.UnusedLocations = len(p.Location) - len(usedLocations)
	d.UnusedFunctions = len(p.Function) - len(usedFunctions)
	return d
}

func add(sums map[string]map[string]int64, function, sampleType string, value int64) {
	if sums[function] == nil {
		sums[function] = map[string]int64{}
	}
	sums[function][sampleType] += value
}
