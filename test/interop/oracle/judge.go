package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// cumulative are the sample types that count since the start of the process.
var cumulative = []string{"alloc_objects", "alloc_space", "contentions", "delay"}

// verdict tells whether a profile is what it should be. Differences holds the first of them only.
type verdict struct {
	Equal       bool     `json:"equal"`
	Samples     int      `json:"samples"`
	Differences []string `json:"differences"`
}

// judge compares a result with what two snapshots say that it must be: cumulative values subtracted by google/pprof's own
// merge, all others those of the later snapshot. One snapshot alone must come out as it is.
func judge(result *profile.Profile, snapshots []*profile.Profile) (verdict, error) {
	expected := snapshots[len(snapshots)-1]
	if len(snapshots) == 2 {
		before := snapshots[0]
		ratios := make([]float64, len(before.SampleType))
		for i, t := range before.SampleType {
			if slices.Contains(cumulative, t.Type) {
				ratios[i] = -1
			}
		}
		if err := before.ScaleN(ratios); err != nil {
			return verdict{}, err
		}
		merged, err := profile.Merge([]*profile.Profile{expected, before})
		if err != nil {
			return verdict{}, err
		}
		expected = merged
	}
	v := verdict{Equal: true, Samples: len(result.Sample), Differences: []string{}}
	differ := func(format string, args ...any) {
		v.Equal = false
		if len(v.Differences) < 10 {
			v.Differences = append(v.Differences, fmt.Sprintf(format, args...))
		}
	}
	for _, header := range [][2]string{
		{typeNames(expected), typeNames(result)},
		{fmt.Sprint(expected.PeriodType, expected.Period), fmt.Sprint(result.PeriodType, result.Period)},
		{snapshots[len(snapshots)-1].DefaultSampleType, result.DefaultSampleType},
		{strings.Join(snapshots[len(snapshots)-1].Comments, "\n"), strings.Join(result.Comments, "\n")},
	} {
		if header[0] != header[1] {
			differ("header: expected %q, got %q", header[0], header[1])
		}
	}
	want, got := bySample(expected), bySample(result)
	for key, values := range want {
		if !slices.Equal(values, got[key]) {
			differ("expected %v, got %v: %s", values, got[key], key)
		}
	}
	for key, values := range got {
		if want[key] == nil {
			differ("expected nothing, got %v: %s", values, key)
		}
	}
	return v, nil
}

func typeNames(p *profile.Profile) string {
	var names []string
	for _, t := range p.SampleType {
		names = append(names, t.Type+"/"+t.Unit)
	}
	return strings.Join(names, " ")
}

// bySample sums the samples of equal stack and labels, and leaves those out that are all zero.
func bySample(p *profile.Profile) map[string][]int64 {
	sums := map[string][]int64{}
	for _, sample := range p.Sample {
		key := sampleKey(sample)
		if sums[key] == nil {
			sums[key] = make([]int64, len(sample.Value))
		}
		for i, value := range sample.Value {
			sums[key][i] += value
		}
	}
	for key, values := range sums {
		if !slices.ContainsFunc(values, func(v int64) bool { return v != 0 }) {
			delete(sums, key)
		}
	}
	return sums
}

// sampleKey is a sample's stack and labels as text. Addresses are taken relative to their mapping.
func sampleKey(sample *profile.Sample) string {
	var key strings.Builder
	for _, location := range sample.Location {
		if m := location.Mapping; m != nil {
			fmt.Fprintf(&key, "%s+%x", m.BuildID+m.File, location.Address-m.Start+m.Offset)
		} else {
			fmt.Fprintf(&key, "%x", location.Address)
		}
		for _, line := range location.Line {
			fmt.Fprintf(&key, " %s %s:%d", line.Function.Name, line.Function.Filename, line.Line)
		}
		key.WriteByte('\n')
	}
	var labels []string
	for name, values := range sample.Label {
		labels = append(labels, fmt.Sprintf("%s=%q", name, values))
	}
	for name, values := range sample.NumLabel {
		labels = append(labels, fmt.Sprintf("%s=%v%q", name, values, sample.NumUnit[name]))
	}
	slices.Sort(labels)
	key.WriteString(strings.Join(labels, " "))
	return key.String()
}
