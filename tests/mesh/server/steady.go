package main

import (
	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/util/protoconv"
)

// steadyKey is the node metadata of a proxy that leaves nothing to chance, so that few requests tell who answers.
const steadyKey = "MESH_STEADY"

// chosen is the request header that says where in the weights of a route the dice fall: its value modulo their sum.
const chosen = "x-dice"

func steady(proxy *model.Proxy) bool { return proxy.Metadata.Raw[steadyKey] != nil }

// inTurn has the pods of a cluster asked in turn where Istio's default would choose the less busy of two at random.
// The cluster's own policy is kept as metadata `mesh`. What a user chose otherwise stays.
type inTurn struct {
	model.XdsResourceGenerator
}

func (t inTurn) Generate(
	proxy *model.Proxy, watched *model.WatchedResource, request *model.PushRequest,
) (model.Resources, model.XdsLogDetails, error) {
	resources, details, err := t.XdsResourceGenerator.Generate(proxy, watched, request)
	if err != nil || !steady(proxy) {
		return resources, details, err
	}
	changed := make(model.Resources, len(resources))
	for i, made := range resources {
		c := &cluster.Cluster{}
		if err := made.Resource.UnmarshalTo(c); err != nil {
			return nil, details, err
		}
		if c.LbPolicy == cluster.Cluster_LEAST_REQUEST {
			if c.Metadata == nil {
				c.Metadata = &core.Metadata{}
			}
			if c.Metadata.FilterMetadata == nil {
				c.Metadata.FilterMetadata = map[string]*structpb.Struct{}
			}
			c.Metadata.FilterMetadata["mesh"] = &structpb.Struct{Fields: map[string]*structpb.Value{
				"lb_policy": structpb.NewStringValue(c.LbPolicy.String()),
			}}
			c.LbPolicy, c.LbConfig = cluster.Cluster_ROUND_ROBIN, nil
		}
		changed[i] = &discovery.Resource{Name: made.Name, Resource: protoconv.MessageToAny(c)}
	}
	return changed, details, nil
}

// byDice has weights decided by the header `x-dice` of a request, where it has one.
type byDice struct {
	model.XdsResourceGenerator
}

func (d byDice) Generate(
	proxy *model.Proxy, watched *model.WatchedResource, request *model.PushRequest,
) (model.Resources, model.XdsLogDetails, error) {
	resources, details, err := d.XdsResourceGenerator.Generate(proxy, watched, request)
	if err != nil || !steady(proxy) {
		return resources, details, err
	}
	changed := make(model.Resources, len(resources))
	for i, made := range resources {
		r := &route.RouteConfiguration{}
		if err := made.Resource.UnmarshalTo(r); err != nil {
			return nil, details, err
		}
		for _, host := range r.VirtualHosts {
			for _, one := range host.Routes {
				if weights := one.GetRoute().GetWeightedClusters(); weights != nil {
					weights.RandomValueSpecifier = &route.WeightedCluster_HeaderName{HeaderName: chosen}
				}
			}
		}
		changed[i] = &discovery.Resource{Name: made.Name, Resource: protoconv.MessageToAny(r)}
	}
	return changed, details, nil
}

// oddly gives the first pod of an even number two turns: where each request is mirrored to the same pods, only
// every second turn is the request's own, and all pods have to come up in those, too.
type oddly struct {
	model.XdsResourceGenerator
}

func (o oddly) Generate(
	proxy *model.Proxy, watched *model.WatchedResource, request *model.PushRequest,
) (model.Resources, model.XdsLogDetails, error) {
	resources, details, err := o.XdsResourceGenerator.Generate(proxy, watched, request)
	if err != nil || !steady(proxy) {
		return resources, details, err
	}
	changed := make(model.Resources, len(resources))
	for i, made := range resources {
		l := &endpoint.ClusterLoadAssignment{}
		if err := made.Resource.UnmarshalTo(l); err != nil {
			return nil, details, err
		}
		var pods []*endpoint.LbEndpoint
		for _, place := range l.Endpoints {
			pods = append(pods, place.LbEndpoints...)
		}
		for number, pod := range pods {
			pod.LoadBalancingWeight = wrapperspb.UInt32(1)
			if number == 0 && len(pods)%2 == 0 {
				pod.LoadBalancingWeight = wrapperspb.UInt32(2)
			}
		}
		changed[i] = &discovery.Resource{Name: made.Name, Resource: protoconv.MessageToAny(l)}
	}
	return changed, details, nil
}
