package main

import (
	"path/filepath"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	proxyprotocol "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/util/protoconv"
)

// socketsKey is the node metadata that says in which directory a proxy's listeners have their sockets.
const socketsKey = "MESH_SOCKETS"

// reachable stands in for iptables. A pod's traffic is redirected to one port of its sidecar, which asks
// the kernel where the connection was going; here the caller says it, in a PROXY protocol header.
// So each listener that binds a port is moved to a unix socket MESH_SOCKETS/NAME that reads that header;
// every other listener is exactly what istiod made of it. No root, no port taken, any number of proxies.
type reachable struct {
	model.XdsResourceGenerator
}

func (r reachable) Generate(
	proxy *model.Proxy, watched *model.WatchedResource, request *model.PushRequest,
) (model.Resources, model.XdsLogDetails, error) {
	resources, details, err := r.XdsResourceGenerator.Generate(proxy, watched, request)
	sockets, asked := proxy.Metadata.Raw[socketsKey].(string)
	if err != nil || !asked {
		return resources, details, err
	}
	var kept model.Resources
	for _, made := range resources {
		l := &listener.Listener{}
		if err := made.Resource.UnmarshalTo(l); err != nil {
			return nil, details, err
		}
		if proxy.Type == model.SidecarProxy && l.TrafficDirection == core.TrafficDirection_INBOUND {
			continue // the backends are asked directly: what a route decides is decided at the caller
		}
		if proxy.Type == model.Waypoint {
			if made.Name != mainInternal {
				continue
			}
			if err := untunnelled(l); err != nil {
				return nil, details, err
			}
		}
		if l.GetInternalListener() == nil && (l.BindToPort == nil || l.BindToPort.Value) {
			move(l, filepath.Join(sockets, made.Name))
			made = proto.CloneOf(made)
			made.Resource = protoconv.MessageToAny(l)
		}
		kept = append(kept, made)
	}
	return kept, details, nil
}

func move(l *listener.Listener, socket string) {
	l.Address = &core.Address{Address: &core.Address_Pipe{Pipe: &core.Pipe{Path: socket}}}
	l.AdditionalAddresses = nil
	header := &listener.ListenerFilter{
		Name: "envoy.filters.listener.proxy_protocol",
		ConfigType: &listener.ListenerFilter_TypedConfig{
			TypedConfig: protoconv.MessageToAny(&proxyprotocol.ProxyProtocol{}),
		},
	}
	l.ListenerFilters = append([]*listener.ListenerFilter{header}, l.ListenerFilters...)
}
