// Command loop scrapes like pyro-pull, without what it is for: GET, gunzip, gzip, a file, no delta. It is what its CPU time
// and memory are compared with.
//
//	loop -targets FILE -interval 15s [-paths heap,goroutine] [-level 1] [-out DIR]
//
// FILE holds an address a line. Each target has a goroutine for each path, as in the scrape loops of Prometheus and its
// kin. A line on standard input is answered by the number of scrapes so far.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	level             = flag.Int("level", gzip.BestSpeed, "gzip level; -1 is the default, that of google/pprof")
	scrapes, failures atomic.Int64
)

func main() {
	list := flag.String("targets", "", "`file` of addresses")
	interval := flag.Duration("interval", 15*time.Second, "scrape interval")
	paths := flag.String("paths", "heap", "profiles, separated by commas")
	out := flag.String("out", "", "write each profile to a file in this `directory`")
	flag.Parse()
	text, err := os.ReadFile(*list)
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 100,
			IdleConnTimeout:     2 * *interval,
			DisableCompression:  true, // the profile is what is compressed
		},
	}
	for _, address := range strings.Fields(string(text)) {
		for path := range strings.SplitSeq(*paths, ",") {
			target := &target{client: client, url: "http://" + address + "/debug/pprof/" + path}
			if *out != "" {
				target.dir = filepath.Join(*out, address, path)
				if err := os.MkdirAll(target.dir, 0o755); err != nil {
					log.Fatal(err)
				}
			}
			go target.run(*interval)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(scrapes.Load(), failures.Load())
	}
}

type target struct {
	client *http.Client
	url    string
	dir    string
}

// run scrapes at an offset into the interval that is the target's own.
func (t *target) run(interval time.Duration) {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(t.url))
	time.Sleep(time.Duration(hash.Sum64() % uint64(interval)))
	ticker := time.NewTicker(interval)
	for {
		if err := t.scrape(); err != nil {
			failures.Add(1)
		}
		scrapes.Add(1)
		<-ticker.C
	}
}

// workspace is what a scrape needs for its time.
type workspace struct {
	body, raw, packed bytes.Buffer
	reader            gzip.Reader
	writer            *gzip.Writer
}

// Kept for the next scrape of any target: a new compressor is close to a megabyte.
var workspaces = sync.Pool{New: func() any {
	writer, err := gzip.NewWriterLevel(io.Discard, *level)
	if err != nil {
		panic(err)
	}
	return &workspace{writer: writer}
}}

func (t *target) scrape() error {
	response, err := t.client.Get(t.url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	work := workspaces.Get().(*workspace)
	defer workspaces.Put(work)
	work.body.Reset()
	if _, err := work.body.ReadFrom(response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	if err := work.reader.Reset(&work.body); err != nil {
		return err
	}
	work.raw.Reset()
	if _, err := work.raw.ReadFrom(&work.reader); err != nil {
		return err
	}
	work.packed.Reset()
	work.writer.Reset(&work.packed)
	if _, err := work.writer.Write(work.raw.Bytes()); err != nil {
		return err
	}
	if err := work.writer.Close(); err != nil {
		return err
	}
	if t.dir == "" {
		return nil
	}
	name := filepath.Join(t.dir, time.Now().UTC().Format("20060102T150405.000000000Z")+".pb.gz")
	if err := os.WriteFile(name+".tmp", work.packed.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}
