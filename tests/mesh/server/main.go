// Command mesh serves Istio's own control-plane code to real Envoys, with no cluster.
//
// It takes one request a line on stdin and answers each with one line of JSON on stdout:
//
//	open WORLD SOCKET   serve the manifests in the file WORLD over xDS on the unix socket SOCKET
//	                    → {"warnings": [...]}, or {"rejected": [...]} with Istio's reasons
//	close SOCKET        → {}
//	certificate DIR     write DIR/certificate.pem and DIR/key.pem, what every TLS server here shows → {}
//
// It ends with its stdin, so it never outlives whoever started it. Logs go to stderr.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"istio.io/istio/pilot/pkg/features"
	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/schema/gatewayapi"
	"istio.io/istio/pkg/log"
)

type answer struct {
	Warnings []string `json:"warnings,omitempty"`
	Rejected []string `json:"rejected,omitempty"`
}

func main() {
	crds := flag.String("crds", "", "comma-separated files with the CustomResourceDefinitions of Istio and the Gateway API")
	level := flag.String("log", "warn", "istiod's log level")
	flag.Parse()

	options := log.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	options.SetDefaultOutputLevel(log.OverrideScopeName, log.StringToLevel(*level))
	if err := log.Configure(options); err != nil {
		fail(err)
	}
	// Filters that istio-proxy has and a stock Envoy lacks.
	features.ALPNFilter = false
	features.MetadataExchange = false
	// The test code installs the Gateway API's definitions without a version: istiod would leave out those
	// kinds that ask for one.
	clear(gatewayapi.MinimumCRDVersions)

	schemas, err := crd.NewValidatorFromFilesWithOptions(strings.Split(*crds, ","), crd.WithoutCRDValidation())
	if err != nil {
		fail(err)
	}
	schemas.SkipMissing = true
	serve(schemas)
}

func serve(schemas *crd.Validator) {
	worlds := map[string]*world{}
	defer func() {
		for _, w := range worlds {
			w.close()
		}
	}()
	answers := json.NewEncoder(os.Stdout)
	for requests := bufio.NewScanner(os.Stdin); requests.Scan(); {
		var said answer
		switch words := strings.Fields(requests.Text()); {
		case len(words) == 3 && words[0] == "open":
			w, warnings, rejected := open(words[1], words[2], schemas)
			said = answer{Warnings: warnings, Rejected: rejected}
			if w != nil {
				worlds[words[2]] = w
			}
		case len(words) == 2 && words[0] == "close" && worlds[words[1]] != nil:
			worlds[words[1]].close()
			delete(worlds, words[1])
		case len(words) == 2 && words[0] == "certificate":
			if err := shown().write(words[1]); err != nil {
				said.Rejected = []string{err.Error()}
			}
		default:
			said.Rejected = []string{fmt.Sprintf("mesh: cannot read the request %q", requests.Text())}
		}
		if answers.Encode(said) != nil {
			return
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mesh:", err)
	os.Exit(1)
}
