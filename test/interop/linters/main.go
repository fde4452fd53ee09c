// Command linters holds the checks that the tools behind a Dockerfile, a GitHub workflow and a crontab make of them:
//
//	linters dockerfile|workflow|crontab FILE
//
// It prints what it finds, one a line, and ends with 1 where it finds anything.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/opencontainers/go-digest"
	"github.com/rhysd/actionlint"
	"github.com/robfig/cron/v3"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: linters dockerfile|workflow|crontab FILE"))
	}
	kind, file := os.Args[1], os.Args[2]
	text, err := os.ReadFile(file)
	fail(err)
	var found []string
	switch kind {
	case "dockerfile":
		found, err = lintDockerfile(text)
	case "workflow":
		found, err = lintWorkflow(file, text)
	case "crontab":
		found = lintCrontab(text)
	default:
		err = fmt.Errorf("no linter for %s", kind)
	}
	fail(err)
	for _, one := range found {
		fmt.Println(one)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// lintDockerfile does what `docker build --check` does, but takes every image for an empty one instead of asking a registry.
func lintDockerfile(text []byte) ([]string, error) {
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	options := dockerfile2llb.ConvertOpt{MetaResolver: anyImage{}, SourceMap: source}
	results, err := dockerfile2llb.DockerfileLint(context.Background(), text, options)
	if err != nil {
		return nil, err
	}
	if results.Error != nil {
		return []string{results.Error.Message}, nil
	}
	var found []string
	for _, warning := range results.Warnings {
		found = append(found, fmt.Sprintf("%s: %s", warning.RuleName, warning.Detail))
	}
	return found, nil
}

type anyImage struct{}

func (anyImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture":"amd64","os":"linux","config":{}}`)
	return ref, digest.FromBytes(config), config, nil
}

func lintWorkflow(file string, text []byte) ([]string, error) {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: "", Pyflakes: ""})
	if err != nil {
		return nil, err
	}
	errors, err := linter.Lint(file, text, nil)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, one := range errors {
		found = append(found, one.Error())
	}
	return found, nil
}

// lintCrontab reads a file of /etc/cron.d: variables, and lines of a schedule, a user and a command.
func lintCrontab(text []byte) []string {
	var found []string
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		fields := strings.Fields(line)
		if line == "" || strings.HasPrefix(line, "#") || (len(fields) > 0 && strings.Contains(fields[0], "=")) {
			continue
		}
		if len(fields) < 7 {
			found = append(found, fmt.Sprintf("line %d: no schedule, user and command", number))
			continue
		}
		if _, err := cron.ParseStandard(strings.Join(fields[:5], " ")); err != nil {
			found = append(found, fmt.Sprintf("line %d: %v", number, err))
		}
		// In a crontab a bare % ends the command.
		if strings.Contains(strings.ReplaceAll(line, `\%`, ""), "%") {
			found = append(found, fmt.Sprintf("line %d: a %% that is not escaped", number))
		}
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		found = append(found, "the last line has no newline: cron does not read it")
	}
	return found
}
