package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// usage holds medians over all rounds, in milliseconds, and in bytes.
type usage struct {
	CPU    float64 `json:"cpuMs"`
	Wall   float64 `json:"wallMs"`
	MaxRSS int64   `json:"maxRssBytes"`
	// Ratio is the CPU time over that of the first command in the same round.
	Ratio float64 `json:"cpuRatio"`
}

// measureCPU runs the commands in turns, so that what the machine does meanwhile hits all of them alike.
func measureCPU(rounds string, input io.Reader) ([]usage, error) {
	n, err := strconv.Atoi(rounds)
	if err != nil {
		return nil, err
	}
	var commands [][]string
	if err := json.NewDecoder(input).Decode(&commands); err != nil {
		return nil, err
	}
	runs := make([][]usage, len(commands))
	for range n {
		for i, args := range commands {
			one, err := measure(args)
			if err != nil {
				return nil, err
			}
			first := one
			if i > 0 {
				first = runs[0][len(runs[0])-1]
			}
			one.Ratio = one.CPU / first.CPU
			runs[i] = append(runs[i], one)
		}
	}
	result := make([]usage, len(commands))
	for i, list := range runs {
		result[i] = usage{
			CPU:    median(list, func(u usage) float64 { return u.CPU }),
			Wall:   median(list, func(u usage) float64 { return u.Wall }),
			MaxRSS: int64(median(list, func(u usage) float64 { return float64(u.MaxRSS) })),
			Ratio:  median(list, func(u usage) float64 { return u.Ratio }),
		}
	}
	return result, nil
}

func measure(args []string) (usage, error) {
	command := exec.Command(args[0], args[1:]...)
	start := time.Now()
	if output, err := command.CombinedOutput(); err != nil {
		return usage{}, fmt.Errorf("%q: %w: %s", args, err, output)
	}
	state := command.ProcessState
	return usage{
		CPU:    float64(state.UserTime()+state.SystemTime()) / float64(time.Millisecond),
		Wall:   float64(time.Since(start)) / float64(time.Millisecond),
		MaxRSS: maxRSS(state),
	}, nil
}

func maxRSS(state *os.ProcessState) int64 {
	if rusage, ok := state.SysUsage().(*syscall.Rusage); ok {
		return rusage.Maxrss * 1024
	}
	return 0
}

func median(list []usage, of func(usage) float64) float64 {
	values := make([]float64, len(list))
	for i, u := range list {
		values[i] = of(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
