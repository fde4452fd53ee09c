package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// The functions whose profile values this program can account for.
const (
	siteAllocKept     = "main.allocKept"
	siteAllocDropped  = "main.allocDropped"
	siteUnlock        = "main.contendedUnlock"
	siteWaiter        = "main.waitForMutex"
	siteReceive       = "main.waitForSender"
	siteParked        = "main.parked"
	siteLeaked        = "main.leaked"
	stateMutexWaiting = "sync.Mutex.Lock"
	stateReceiving    = "chan receive"
)

// allocCount is what one call site allocated, in the size that the allocator gave, not in the size that was asked for.
type allocCount struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// counters is what the program did since it started.
type counters struct {
	Version     string                `json:"version"`
	Allocs      map[string]allocCount `json:"allocs"`
	Kept        allocCount            `json:"kept"`
	Contentions map[string]int64      `json:"contentions"`
	Blocks      map[string]int64      `json:"blocks"`
	Parked      int64                 `json:"parked"`
}

// workload does work whose profile is known in advance, one piece at a time.
type workload struct {
	mu       sync.Mutex
	allocs   [2]allocCount // kept, dropped
	live     allocCount
	contends int64
	blocks   int64
	keep     [][]byte
	parking  []chan struct{}
	leaks    int
}

var sink []byte

//go:noinline
func allocKept(size int) []byte { return make([]byte, size) }

//go:noinline
func allocDropped(size int) []byte { return make([]byte, size) }

func (w *workload) alloc(site string, n, size int) error {
	// Objects below 16 bytes share blocks, and the runtime counts the blocks.
	if size < 16 {
		return fmt.Errorf("size %d is below 16", size)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	bytes := int64(n) * sizeClass(size)
	switch site {
	case "kept":
		for range n {
			w.keep = append(w.keep, allocKept(size))
		}
		w.allocs[0].add(int64(n), bytes)
		w.live.add(int64(n), bytes)
	case "dropped":
		for range n {
			sink = allocDropped(size)
		}
		sink = nil
		w.allocs[1].add(int64(n), bytes)
	default:
		return fmt.Errorf("no site %q", site)
	}
	return nil
}

func (c *allocCount) add(objects, bytes int64) {
	c.Objects += objects
	c.Bytes += bytes
}

// sizeClass is what the allocator takes for size bytes: growing a slice hands the rounded size out as capacity.
func sizeClass(size int) int64 {
	return int64(cap(append([]byte(nil), make([]byte, size)...)))
}

func (w *workload) free() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep = nil
	w.live = allocCount{}
}

// contend makes n contentions: each time the unlocker waits until somebody stands at the mutex. The mutex profile blames
// the unlocker, the block profile the one who waited.
func (w *workload) contend(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		var contended sync.Mutex
		done := make(chan struct{})
		contended.Lock()
		go waitForMutex(&contended, done)
		untilParked(siteWaiter, stateMutexWaiting)
		contendedUnlock(&contended)
		<-done
	}
	w.contends += int64(n)
}

//go:noinline
func contendedUnlock(mu *sync.Mutex) { mu.Unlock() }

//go:noinline
func waitForMutex(mu *sync.Mutex, done chan<- struct{}) {
	mu.Lock()
	defer mu.Unlock()
	close(done)
}

// block makes n receives that have to wait, each for a sender that first looks that it is waited for.
func (w *workload) block(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		values := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			waitForSender(values)
		}()
		untilParked(siteReceive, stateReceiving)
		values <- struct{}{}
		<-done
	}
	w.blocks += int64(n)
}

//go:noinline
func waitForSender(values <-chan struct{}) { <-values }

// leak starts n goroutines that wait for what nobody can send, and returns when all of them do.
func (w *workload) leak(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leaks += n
	for range n {
		go leaked()
	}
	for countGoroutines(siteLeaked, stateReceiving) != w.leaks {
		time.Sleep(100 * time.Microsecond)
	}
}

//go:noinline
func leaked() { <-make(chan struct{}) }

func (w *workload) park(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		wake := make(chan struct{})
		w.parking = append(w.parking, wake)
		go parked(wake)
	}
	for countGoroutines(siteParked, stateReceiving) != len(w.parking) {
		time.Sleep(100 * time.Microsecond)
	}
}

//go:noinline
func parked(wake <-chan struct{}) { <-wake }

func (w *workload) unpark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wake := range w.parking {
		close(wake)
	}
	w.parking = nil
	for countGoroutines(siteParked, "") != 0 {
		time.Sleep(100 * time.Microsecond)
	}
}

func (w *workload) counters() counters {
	w.mu.Lock()
	defer w.mu.Unlock()
	return counters{
		Version:     version,
		Allocs:      map[string]allocCount{siteAllocKept: w.allocs[0], siteAllocDropped: w.allocs[1]},
		Kept:        w.live,
		Contentions: map[string]int64{siteUnlock: w.contends},
		Blocks:      map[string]int64{siteWaiter: w.contends, siteReceive: w.blocks},
		Parked:      int64(len(w.parking)),
	}
}

func untilParked(function, state string) {
	for countGoroutines(function, state) == 0 {
		time.Sleep(100 * time.Microsecond)
	}
}

// stacks is reused from look to look; only the holder of workload.mu looks.
var stacks = make([]byte, 1<<20)

// countGoroutines counts the goroutines in the given state (any, if empty) that have the function on their stack.
func countGoroutines(function, state string) int {
	n := runtime.Stack(stacks, true)
	for n == len(stacks) {
		stacks = make([]byte, 2*len(stacks))
		n = runtime.Stack(stacks, true)
	}
	count := 0
	for stack := range strings.SplitSeq(string(stacks[:n]), "\n\n") {
		header, frames, _ := strings.Cut(stack, "\n")
		// "goroutine 7 [chan receive]:", or "[chan receive, 2 minutes]"
		if strings.Contains(header, "["+state) && strings.Contains("\n"+frames, "\n"+function+"(") {
			count++
		}
	}
	return count
}
