// Command envoygateway has Envoy Gateway's own code translate objects of the Gateway API into Envoy's configuration.
//
// It takes one file of manifests (YAML) a line on stdin and answers each with one line of JSON on stdout:
//
//	{"listeners": [...], "routes": [...], "clusters": [...], "endpoints": [...], "refused": [...], "error": "..."}
//
// `refused` are the conditions of routes that are not True. It ends with its stdin.
//
// The module's path stands below Envoy Gateway's, because the packages are internal to that.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/encoding/protojson"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gwapiv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	egv1a1 "github.com/envoyproxy/gateway/api/v1alpha1"
	"github.com/envoyproxy/gateway/internal/gatewayapi"
	"github.com/envoyproxy/gateway/internal/gatewayapi/resource"
	"github.com/envoyproxy/gateway/internal/logging"
	"github.com/envoyproxy/gateway/internal/xds/translator"
)

const namespace = "envoy-gateway-system" // Envoy Gateway's own

type answer struct {
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
	Refused   []string          `json:"refused"`
	Error     string            `json:"error"`
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

func translate(path string) (*answer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	kept, slices, err := split(text)
	if err != nil {
		return nil, err
	}
	resources, err := resource.LoadResourcesFromYAMLBytes(kept, true, nil)
	if err != nil {
		return nil, err
	}
	if resources.GatewayClass == nil {
		return nil, fmt.Errorf("no GatewayClass")
	}
	resources.EndpointSlices = append(resources.EndpointSlices, slices...)
	// What its controller makes for the way from Envoy to itself, and no route uses.
	resources.Secrets = append(resources.Secrets, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "envoy"},
		Data:       map[string][]byte{corev1.TLSCertKey: {}, corev1.TLSPrivateKeyKey: {}},
	})
	logger := logging.DefaultLogger(io.Discard, egv1a1.LogLevelInfo)
	first := &gatewayapi.Translator{
		GatewayControllerName: string(resources.GatewayClass.Spec.ControllerName),
		GatewayClassName:      gwapiv1.ObjectName(resources.GatewayClass.Name),
		ControllerNamespace:   namespace,
		Logger:                logger,
	}
	result, err := first.Translate(context.Background(), resources)
	if err != nil {
		return nil, err
	}
	said := &answer{Refused: refused(result)}
	keys := make([]string, 0, len(result.XdsIR))
	for key := range result.XdsIR {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		second := &translator.Translator{Logger: logger}
		table, err := second.Translate(context.Background(), result.XdsIR[key])
		if err != nil {
			return nil, err
		}
		for kind, into := range map[string]*[]json.RawMessage{
			resourcev3.ListenerType: &said.Listeners,
			resourcev3.RouteType:    &said.Routes,
			resourcev3.ClusterType:  &said.Clusters,
			resourcev3.EndpointType: &said.Endpoints,
		} {
			for _, one := range table.XdsResources[kind] {
				text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(one)
				if err != nil {
					return nil, err
				}
				*into = append(*into, text)
			}
		}
	}
	return said, nil
}

// split takes out the EndpointSlices, which Envoy Gateway's reader of files does not know.
func split(text []byte) ([]byte, []*discoveryv1.EndpointSlice, error) {
	var kept []string
	var slices []*discoveryv1.EndpointSlice
	for _, document := range strings.Split("\n"+string(text), "\n---\n") {
		var kind struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			return nil, nil, err
		}
		if kind.Kind != "EndpointSlice" {
			kept = append(kept, document)
			continue
		}
		slice := &discoveryv1.EndpointSlice{}
		if err := yaml.Unmarshal([]byte(document), slice); err != nil {
			return nil, nil, err
		}
		slices = append(slices, slice)
	}
	return []byte(strings.Join(kept, "\n---\n")), slices, nil
}

func refused(result *gatewayapi.TranslateResult) []string {
	var said []string
	add := func(kind, name string, parents []gwapiv1.RouteParentStatus) {
		for _, parent := range parents {
			for _, one := range parent.Conditions {
				if one.Status != "True" {
					said = append(said, fmt.Sprintf("%s %s: %s: %s", kind, name, one.Reason, one.Message))
				}
			}
		}
	}
	for _, one := range result.HTTPRoutes {
		add("HTTPRoute", one.Name, one.Status.Parents)
	}
	for _, one := range result.GRPCRoutes {
		add("GRPCRoute", one.Name, one.Status.Parents)
	}
	sort.Strings(said)
	return said
}
