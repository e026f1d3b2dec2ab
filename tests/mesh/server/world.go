package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"

	"google.golang.org/protobuf/types/known/wrapperspb"
	istiocrd "istio.io/istio/pilot/pkg/config/kube/crd"
	v3 "istio.io/istio/pilot/pkg/xds/v3"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	kubelib "istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/krt"
)

// domain is the cluster's: without it on a configuration, its short host names match no Service, silently.
const domain = "cluster.local"

// created is when every configuration without a creationTimestamp was made, as by one `kubectl apply`.
var created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// manifests are what a cluster would hold, split as istiod reads them.
type manifests struct {
	configs  []config.Config
	objects  []runtime.Object
	warnings []string
	rejected []string
}

// world is one running control plane.
type world struct {
	scope *scope
}

// open serves the manifests of a file on a unix socket. It returns no world when one of them is rejected.
func open(path, socket string, schemas *crd.Validator) (*world, []string, []string) {
	read, err := readManifests(path, schemas)
	if err != nil {
		return nil, nil, []string{err.Error()}
	}
	if len(read.rejected) > 0 {
		return nil, nil, read.rejected
	}
	settings := mesh.DefaultMeshConfig()
	settings.DefaultProviders = nil                  // Istio's telemetry filters are not in a stock Envoy
	settings.EnableAutoMtls = wrapperspb.Bool(false) // backends have no sidecars that would end mutual TLS
	krt.GlobalDebugHandler = new(krt.DebugHandler)   // the old one would keep every closed world in memory
	w := &world{scope: newScope()}
	err = w.scope.run(func() {
		server := xds.NewFakeDiscoveryServer(w.scope, xds.FakeOptions{
			Configs:                    read.configs,
			KubernetesObjects:          read.objects,
			MeshConfig:                 settings,
			ListenerBuilder:            func() (net.Listener, error) { return net.Listen("unix", socket) },
			DisableSecretAuthorization: true,
		})
		made := server.Discovery.Generators
		made[v3.ListenerType] = reachable{made[v3.ListenerType]}
		made[v3.ClusterType] = inTurn{plain{made[v3.ClusterType]}}
		made[v3.RouteType] = byDice{made[v3.RouteType]}
		made[v3.EndpointType] = oddly{made[v3.EndpointType]}
		made[v3.SecretType] = secrets{}
	})
	if err != nil {
		w.close()
		return nil, nil, []string{err.Error()}
	}
	return w, read.warnings, nil
}

func (w *world) close() { w.scope.close() }

func readManifests(path string, schemas *crd.Validator) (*manifests, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	into := &manifests{}
	for documents := kubeyaml.NewYAMLOrJSONDecoder(file, 64*1024); ; {
		object := &unstructured.Unstructured{}
		if err := documents.Decode(object); errors.Is(err, io.EOF) {
			return into, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", path, err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if err := into.add(object, schemas); err != nil {
			into.rejected = append(into.rejected, fmt.Sprintf(
				"%s %s/%s: %v", object.GetKind(), object.GetNamespace(), object.GetName(), err))
		}
	}
}

// add checks an object as the API server (schema, unknown fields, CEL; it also fills in the defaults)
// and Istio's webhook would.
func (m *manifests) add(object *unstructured.Unstructured, schemas *crd.Validator) error {
	if err := schemas.ValidateCustomResource(object); err != nil {
		return err
	}
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(object.GroupVersionKind().Group, ".istio.io") {
		typed, _, err := kubelib.IstioCodec.UniversalDeserializer().Decode(text, nil, nil)
		if err == nil {
			m.objects = append(m.objects, typed)
		}
		return err
	}
	kind, known := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(
		resource.FromKubernetesGVK(new(object.GroupVersionKind())))
	if !known {
		return fmt.Errorf("unrecognized type %v", object.GroupVersionKind())
	}
	var istio istiocrd.IstioKind
	if err := json.Unmarshal(text, &istio); err != nil {
		return err
	}
	converted, err := istiocrd.ConvertObject(kind, &istio, domain)
	if err != nil {
		return err
	}
	if converted.CreationTimestamp.IsZero() {
		converted.CreationTimestamp = created
	}
	warning, err := kind.ValidateConfig(*converted)
	if err != nil {
		return err
	}
	if warning != nil {
		m.warnings = append(m.warnings, fmt.Sprintf(
			"%s %s/%s: %v", object.GetKind(), object.GetNamespace(), object.GetName(), warning))
	}
	m.configs = append(m.configs, *converted)
	return nil
}
