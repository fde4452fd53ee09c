// Command targets serves prepared snapshots of profiles on many ports, at a fraction of what a Go program spends on making
// them, so that the machine is left to what scrapes them. Each request gets the next snapshot of its series, stamped with
// the time.
//
//	targets -dir DIR -ports N
//
// DIR holds series named PROFILE-SHAPE, each a directory of uncompressed profiles 0.pb, 1.pb, ... without time_nanos. The
// address with number i serves of each profile its shape number i mod the count of them.
package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// snapshot is a gzip stream up to a byte boundary, to which a stored block with the time is added.
type snapshot struct {
	head []byte
	crc  uint32
	size uint32
}

type series []snapshot

var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}

func main() {
	dir := flag.String("dir", "", "`directory` of series")
	ports := flag.Int("ports", 1, "listen on this many ports of 127.0.0.1")
	flag.Parse()
	shapes, err := load(*dir)
	if err != nil {
		log.Fatal(err)
	}
	var served, bytesServed, connections atomic.Int64
	addresses := make([]string, *ports)
	for i := range *ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		addresses[i] = listener.Addr().String()
		mux := http.NewServeMux()
		for profile, choices := range shapes {
			paths := []string{profile}
			if profile == "heap" {
				paths = append(paths, "allocs") // the same samples in Go's runtime
			}
			for _, path := range paths {
				mux.HandleFunc("/debug/pprof/"+path, choices[i%len(choices)].serve(i%4, &served, &bytesServed))
			}
		}
		mux.HandleFunc("/counts", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"served":%d,"bytes":%d,"connections":%d}`, served.Load(), bytesServed.Load(), connections.Load())
		})
		server := &http.Server{Handler: mux, ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				connections.Add(-1)
			}
		}}
		go func() { log.Fatal(server.Serve(listener)) }()
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"addresses": addresses}); err != nil {
		log.Fatal(err)
	}
	select {}
}

// serve gives one snapshot after the other, from the one with number first on.
func (s series) serve(first int, served, bytesServed *atomic.Int64) http.HandlerFunc {
	var next atomic.Int64
	next.Store(int64(first))
	return func(w http.ResponseWriter, _ *http.Request) {
		body := s[int(next.Add(1)-1)%len(s)].stamped(time.Now())
		w.Header().Set("Content-Type", "application/octet-stream")
		n, _ := w.Write(body)
		served.Add(1)
		bytesServed.Add(int64(n))
	}
}

// load reads all series, by profile and then in the order of their shapes.
func load(dir string) (map[string][]series, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*-*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	shapes := map[string][]series{}
	for _, name := range names {
		profile, _, _ := strings.Cut(filepath.Base(name), "-")
		var all series
		for number := 0; ; number++ {
			raw, err := os.ReadFile(filepath.Join(name, strconv.Itoa(number)+".pb"))
			if os.IsNotExist(err) {
				break
			}
			if err != nil {
				return nil, err
			}
			one, err := compress(raw)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		shapes[profile] = append(shapes[profile], all)
	}
	return shapes, nil
}

// compress does it at the level of Go's runtime.
func compress(raw []byte) (snapshot, error) {
	out := bytes.NewBuffer(slices.Clone(gzipHeader))
	writer, err := flate.NewWriter(out, flate.BestSpeed)
	if err != nil {
		return snapshot{}, err
	}
	if _, err := writer.Write(raw); err != nil {
		return snapshot{}, err
	}
	if err := writer.Flush(); err != nil {
		return snapshot{}, err
	}
	return snapshot{out.Bytes(), crc32.ChecksumIEEE(raw), uint32(len(raw))}, nil
}

func (s snapshot) stamped(now time.Time) []byte {
	const timeNanos = 9 << 3
	field := binary.AppendUvarint([]byte{timeNanos}, uint64(now.UnixNano()))
	body := make([]byte, 0, len(s.head)+5+len(field)+8)
	body = append(body, s.head...)
	body = append(body, 1, byte(len(field)), 0, ^byte(len(field)), 0xff) // the last block, stored
	body = append(body, field...)
	body = binary.LittleEndian.AppendUint32(body, crc32.Update(s.crc, crc32.IEEETable, field))
	return binary.LittleEndian.AppendUint32(body, s.size+uint32(len(field)))
}
