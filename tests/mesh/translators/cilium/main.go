// Command cilium has Cilium's own code translate routes of Services (GAMMA) into Envoy's configuration.
//
// It takes one file of manifests (YAML) a line on stdin and answers each with one line of JSON on stdout: for each
// Service with routes, as NAMESPACE/NAME, the ports that its CiliumEnvoyConfig takes over, and its resources.
//
//	{"services": {"default/app": {"ports": [80], "resources": [...]}}, "refused": [...], "error": "..."}
//
// The steps are those of Cilium's reconciler of such Services: which routes belong to it, expressions that do not
// compile, ingestion, translation. Its checks of references ask an API server and are left out. It ends with its stdin.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/cilium/cilium/operator/pkg/gateway-api/helpers"
	"github.com/cilium/cilium/operator/pkg/gateway-api/routechecks"
	"github.com/cilium/cilium/operator/pkg/model"
	"github.com/cilium/cilium/operator/pkg/model/ingestion"
	"github.com/cilium/cilium/operator/pkg/model/translation"
	gatewaytranslation "github.com/cilium/cilium/operator/pkg/model/translation/gateway-api"
)

type answer struct {
	Services map[string]config `json:"services"`
	Refused  []string          `json:"refused"`
	Error    string            `json:"error"`
}

type config struct {
	Ports     []uint16          `json:"ports"`
	Resources []json.RawMessage `json:"resources"`
}

type world struct {
	services []corev1.Service
	http     []gatewayv1.HTTPRoute
	grpc     []gatewayv1.GRPCRoute
	grants   []gatewayv1.ReferenceGrant
}

func main() {
	answers := json.NewEncoder(os.Stdout)
	for requests := bufio.NewScanner(os.Stdin); requests.Scan(); {
		said, err := translate(requests.Text())
		if err != nil {
			said = &answer{Error: err.Error()}
		}
		if answers.Encode(said) != nil {
			return
		}
	}
}

func read(path string) (*world, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	w := &world{}
	for _, document := range strings.Split("\n"+string(text), "\n---\n") {
		var kind struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			return nil, err
		}
		var err error
		switch kind.Kind {
		case "Service":
			w.services, err = added(w.services, document)
		case "HTTPRoute":
			w.http, err = added(w.http, document)
		case "GRPCRoute":
			w.grpc, err = added(w.grpc, document)
		case "ReferenceGrant":
			w.grants, err = added(w.grants, document)
		}
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

func added[T any](list []T, document string) ([]T, error) {
	var one T
	err := yaml.UnmarshalStrict([]byte(document), &one)
	return append(list, one), err
}

func translate(path string) (*answer, error) {
	w, err := read(path)
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	// The settings of Cilium's own test of that reconciler.
	settings := translation.Config{
		RouteConfig:               translation.RouteConfig{HostNameSuffixMatch: true},
		ListenerConfig:            translation.ListenerConfig{StreamIdleTimeoutSeconds: 300},
		ClusterConfig:             translation.ClusterConfig{IdleTimeoutSeconds: 60},
		OriginalIPDetectionConfig: translation.OriginalIPDetectionConfig{UseRemoteAddress: true},
	}
	translator := gatewaytranslation.NewTranslator(translation.NewCECTranslator(settings), settings)
	said := &answer{Services: map[string]config{}}
	for i := range w.services {
		service := &w.services[i]
		http, grpc := w.of(service, said)
		if len(http)+len(grpc) == 0 {
			continue
		}
		listeners := ingestion.GammaHTTPRoutes(logger, ingestion.GammaInput{
			HTTPRoutes: http, GRPCRoutes: grpc, Services: w.services, ReferenceGrants: w.grants,
		})
		made, _, _, err := translator.Translate(&model.Model{HTTP: listeners})
		if err != nil {
			return nil, err
		}
		var found config
		for _, one := range made.Spec.Services {
			found.Ports = append(found.Ports, one.Ports...)
		}
		for _, one := range made.Spec.Resources {
			text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(one.Any)
			if err != nil {
				return nil, err
			}
			found.Resources = append(found.Resources, text)
		}
		said.Services[service.Namespace+"/"+service.Name] = found
	}
	return said, nil
}

// of returns the routes that hang on a Service, in a cached list's order of their own: that of the file.
func (w *world) of(service *corev1.Service, said *answer) ([]gatewayv1.HTTPRoute, []gatewayv1.GRPCRoute) {
	var http []gatewayv1.HTTPRoute
	var grpc []gatewayv1.GRPCRoute
	for _, one := range w.http {
		if !hangs(one.Spec.ParentRefs, service, one.Namespace) {
			continue
		}
		if bad, is := (&routechecks.HTTPRouteInput{HTTPRoute: &one}).ValidateMatchRegexps(); is {
			said.Refused = append(said.Refused, fmt.Sprintf("HTTPRoute %s: %s", one.Name, bad.Message))
			continue
		}
		http = append(http, one)
	}
	for _, one := range w.grpc {
		if !hangs(one.Spec.ParentRefs, service, one.Namespace) {
			continue
		}
		if bad, is := (&routechecks.GRPCRouteInput{GRPCRoute: &one}).ValidateMatchRegexps(); is {
			said.Refused = append(said.Refused, fmt.Sprintf("GRPCRoute %s: %s", one.Name, bad.Message))
			continue
		}
		grpc = append(grpc, one)
	}
	return http, grpc
}

func hangs(parents []gatewayv1.ParentReference, service *corev1.Service, namespace string) bool {
	for _, parent := range parents {
		if helpers.IsGammaServiceEqual(parent, service, namespace) {
			return true
		}
	}
	return false
}
