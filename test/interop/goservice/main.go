// Command goservice is a Go program with known behaviour, made to be scraped: it does exactly the work that it is asked
// for over HTTP, counts that work itself, and keeps a record of what the runtime's counters said whenever it served a
// profile. A scraper's result can so be compared with the truth instead of with another scraper.
//
// Endpoints, beside /debug/pprof/ of net/http/pprof and godeltaprof:
//
//	POST /alloc?site=kept|dropped&n=1000&size=512   allocates n objects of size bytes
//	POST /free                                      lets go of what the kept site allocated
//	POST /contend?n=20                              n contentions of one mutex
//	POST /block?n=20                                n receives that wait for their sender
//	POST /park?n=20, POST /unpark                   starts n goroutines that wait, ends them all
//	POST /leak?n=20                                 starts n goroutines that nothing can wake
//	POST /publish                                   collects garbage, so that the heap profile is up to date
//	GET  /counters                                  what this program did, counted by itself
//	GET  /served                                    the runtime's counters at each profile served
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// version is changed by the linker (-X main.version=...) to make another build of the same program.
var version = "one"

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "first `address` to listen on")
	ports := flag.Int("ports", 1, "listen on this many ports, the others chosen by the system")
	rate := flag.Int("mem-profile-rate", 1, "runtime.MemProfileRate")
	exact := flag.Bool("exact", true, "collect garbage on demand only, and keep a record of what was served")
	load := flag.Float64("load", 0, "part of one core to keep busy, for CPU profiles")
	flag.Parse()

	runtime.MemProfileRate = *rate
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	if *exact {
		debug.SetGCPercent(-1)
	}

	handler := http.Handler(http.DefaultServeMux)
	if *exact {
		handler = newService()
	}
	addresses, err := serve(handler, *listen, *ports)
	if err != nil {
		log.Fatal(err)
	}
	if *load > 0 {
		go burn(*load)
	}
	writeJSON(os.Stdout, map[string]any{"addresses": addresses, "version": version})
	select {}
}

// serve listens on the first address and on count-1 more ports of the same host.
func serve(handler http.Handler, first string, count int) ([]string, error) {
	host, _, err := net.SplitHostPort(first)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, 0, count)
	for i := range count {
		address := net.JoinHostPort(host, "0")
		if i == 0 {
			address = first
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, listener.Addr().String())
		go func() { log.Fatal(http.Serve(listener, handler)) }()
	}
	return addresses, nil
}

func newService() http.Handler {
	work := &workload{}
	record := &record{list: []served{}}
	mux := http.NewServeMux()
	mux.Handle("/debug/pprof/", http.DefaultServeMux)
	for name, read := range readings {
		mux.Handle("GET /debug/pprof/"+name, record.witness(name, read))
	}
	mux.HandleFunc("POST /alloc", counted(func(n int, r *http.Request) error {
		size, err := strconv.Atoi(r.FormValue("size"))
		if err != nil {
			return err
		}
		return work.alloc(r.FormValue("site"), n, size)
	}))
	mux.HandleFunc("POST /contend", counted(func(n int, _ *http.Request) error { work.contend(n); return nil }))
	mux.HandleFunc("POST /block", counted(func(n int, _ *http.Request) error { work.block(n); return nil }))
	mux.HandleFunc("POST /park", counted(func(n int, _ *http.Request) error { work.park(n); return nil }))
	mux.HandleFunc("POST /leak", counted(func(n int, _ *http.Request) error { work.leak(n); return nil }))
	mux.HandleFunc("POST /unpark", func(http.ResponseWriter, *http.Request) { work.unpark() })
	mux.HandleFunc("POST /free", func(http.ResponseWriter, *http.Request) { work.free() })
	mux.HandleFunc("POST /publish", func(http.ResponseWriter, *http.Request) {
		// The first collection ends the cycle in which the work was done, the second publishes its counts.
		runtime.GC()
		runtime.GC()
	})
	mux.HandleFunc("GET /counters", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, work.counters()) })
	mux.HandleFunc("GET /served", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, record.all()) })
	return mux
}

// counted reads the number n of the query and answers 400 with the error of do, if any.
func counted(do func(n int, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.FormValue("n"))
		if err == nil {
			err = do(n, r)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func writeJSON(w interface{ Write([]byte) (int, error) }, value any) {
	line, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(w, string(line))
}

// burn keeps the given part of one core busy.
func burn(part float64) {
	const period = 20 * time.Millisecond
	busy := time.Duration(part * float64(period))
	for {
		spin(time.Now().Add(busy))
		time.Sleep(period - busy)
	}
}

//go:noinline
func spin(until time.Time) {
	for sum := 0; time.Now().Before(until); {
		for i := range 1000 {
			sum += i
		}
	}
}
