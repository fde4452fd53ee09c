package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	_ "net/http/pprof" // registers /debug/pprof/ in the default mux
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"

	"github.com/google/pprof/profile"
	_ "github.com/grafana/pyroscope-go/godeltaprof/http/pprof" // registers delta_heap, delta_mutex, delta_block
)

// reading is what the runtime's own records add up to, by sample type: all of them, and those of the known sites. A site
// does not include the contentions of the runtime's own locks below it.
type reading struct {
	Totals map[string]int64            `json:"totals"`
	Sites  map[string]map[string]int64 `json:"sites"`
}

var sites = []string{siteAllocKept, siteAllocDropped, siteUnlock, siteWaiter, siteReceive, siteParked}

// source tells how to read what a profile endpoint is about to serve.
type source struct {
	read func() reading
	// spent marks an endpoint whose answers can't be asked for again: each one moves its own base.
	spent bool
}

// readings names the endpoints that are served under witness.
var readings = map[string]source{
	"heap":        {read: readHeap},
	"allocs":      {read: readHeap},
	"mutex":       {read: readContention("mutex", runtime.MutexProfile)},
	"block":       {read: readContention("block", runtime.BlockProfile)},
	"goroutine":   {read: readGoroutines},
	"delta_heap":  {read: readHeap, spent: true},
	"delta_mutex": {read: readContention("mutex", runtime.MutexProfile), spent: true},
	"delta_block": {read: readContention("block", runtime.BlockProfile), spent: true},
}

// served is one answered profile request and the counters at that moment.
type served struct {
	Profile string `json:"profile"`
	Query   string `json:"query"`
	reading
}

// record is the list of all profiles served, in order.
type record struct {
	mu   sync.Mutex
	list []served
}

func (r *record) all() []served {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// witness serves the profile between two readings of the runtime's counters. It takes the profile again until both
// readings agree, so that the reading is that of the profile. Goroutines may come and go between two readings that agree,
// so their number in the profile has to agree too. A spent profile is taken once: only its sites, which are quiet while no
// work is asked for, have to agree.
func (r *record) witness(name string, from source) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.FormValue("seconds") != "" {
			http.DefaultServeMux.ServeHTTP(w, request) // a difference over time has no moment to be read at
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		// A collection publishes what the reading before it allocated, so that no two totals would ever agree.
		spent := from.spent || request.FormValue("gc") != ""
		for range 1000 {
			before := from.read()
			answer := httptest.NewRecorder()
			http.DefaultServeMux.ServeHTTP(answer, request)
			after := from.read()
			agree := spent || maps.Equal(before.Totals, after.Totals)
			if name == "goroutine" && agree {
				agree = request.FormValue("debug") != "" || goroutinesOf(answer.Body.Bytes()) == after.Totals[name]
			}
			if !agree || !maps.EqualFunc(before.Sites, after.Sites, maps.Equal) {
				if spent {
					break
				}
				continue
			}
			// The record comes first: who has the answer can look it up.
			r.list = append(r.list, served{name, request.URL.RawQuery, after})
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
			return
		}
		http.Error(w, "the counters do not stand still", http.StatusServiceUnavailable)
	})
}

func newReading(types ...string) reading {
	empty := func() map[string]int64 {
		values := make(map[string]int64, len(types))
		for _, name := range types {
			values[name] = 0
		}
		return values
	}
	result := reading{empty(), make(map[string]map[string]int64, len(sites))}
	for _, site := range sites {
		result.Sites[site] = empty()
	}
	return result
}

// add counts values for the total and for each known site on the stack.
func (r reading) add(stack []uintptr, values map[string]int64) {
	for name, value := range values {
		r.Totals[name] += value
	}
	for _, site := range sitesOf(stack) {
		for name, value := range values {
			r.Sites[site][name] += value
		}
	}
}

// runtimeUnlock is the innermost function of a contention of one of the runtime's own locks. Since Go 1.25 the mutex
// profile counts it at the code that held the lock (mLockProfile in runtime/mprof.go). So sync.Mutex.Unlock, which wakes a
// goroutine under such locks, shows more contentions than it had. How many depends on what other threads do.
const runtimeUnlock = "runtime.unlock"

func sitesOf(stack []uintptr) []string {
	var found []string
	frames := runtime.CallersFrames(stack)
	for first := true; ; first = false {
		frame, more := frames.Next()
		if first && frame.Function == runtimeUnlock {
			return nil
		}
		if slices.Contains(sites, frame.Function) && !slices.Contains(found, frame.Function) {
			found = append(found, frame.Function)
		}
		if !more {
			return found
		}
	}
}

// readHeap reads the allocation records as they are: with MemProfileRate 1 no value is an estimate.
func readHeap() reading {
	records := make([]runtime.MemProfileRecord, 1024)
	for {
		n, ok := runtime.MemProfile(records, true)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.MemProfileRecord, n+256)
	}
	result := newReading("alloc_objects", "alloc_space", "inuse_objects", "inuse_space")
	for i := range records {
		r := &records[i]
		result.add(r.Stack(), map[string]int64{
			"alloc_objects": r.AllocObjects,
			"alloc_space":   r.AllocBytes,
			"inuse_objects": r.InUseObjects(),
			"inuse_space":   r.InUseBytes(),
		})
	}
	return result
}

func readContention(profile string, records func([]runtime.BlockProfileRecord) (int, bool)) func() reading {
	return func() reading {
		list := make([]runtime.BlockProfileRecord, 1024)
		for {
			n, ok := records(list)
			if ok {
				list = list[:n]
				break
			}
			list = make([]runtime.BlockProfileRecord, n+256)
		}
		perNanosecond := ticksPerSecond(profile) / 1e9
		result := newReading("contentions", "delay")
		for i := range list {
			r := &list[i]
			result.add(r.Stack(), map[string]int64{
				"contentions": r.Count,
				"delay":       int64(float64(r.Cycles) / perNanosecond),
			})
		}
		return result
	}
}

var tickRate = regexp.MustCompile(`cycles/second=(\d+)`)

// ticksPerSecond is the runtime's clock rate, which it tells only in the text form of these profiles.
func ticksPerSecond(profile string) float64 {
	var text bytes.Buffer
	if err := pprof.Lookup(profile).WriteTo(&text, 1); err != nil {
		panic(err)
	}
	match := tickRate.FindSubmatch(text.Bytes())
	if match == nil {
		panic(fmt.Sprintf("no cycles/second in the text form of %s", profile))
	}
	rate, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		panic(err)
	}
	return rate
}

// goroutinesOf is the number of goroutines in a profile as it is sent.
func goroutinesOf(body []byte) int64 {
	p, err := profile.ParseData(body)
	if err != nil {
		panic(err)
	}
	var count int64
	for _, sample := range p.Sample {
		count += sample.Value[0]
	}
	return count
}

func readGoroutines() reading {
	list := make([]runtime.StackRecord, 1024)
	for {
		n, ok := runtime.GoroutineProfile(list)
		if ok {
			list = list[:n]
			break
		}
		list = make([]runtime.StackRecord, n+256)
	}
	result := newReading("goroutine")
	for i := range list {
		result.add(list[i].Stack(), map[string]int64{"goroutine": 1})
	}
	return result
}
