package main

import (
	"strings"

	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"istio.io/istio/pilot/pkg/util/protoconv"
	"istio.io/istio/pkg/wellknown"
)

// mainInternal is the listener of a waypoint that chooses a route, by the address of the Service that a tunnel leads to.
const mainInternal = "main_internal"

// untunnelled has a waypoint's inner listener take connections as they are: the tunnel around them (HBONE) is ztunnel's,
// which is not here, and says nothing but the address, which the PROXY protocol says as well. Filters that only
// istio-proxy has are taken out: they decide about no route.
func untunnelled(l *listener.Listener) error {
	l.ListenerSpecifier = nil
	l.ListenerFilters = kept(l.ListenerFilters, func(f *listener.ListenerFilter) bool {
		return f.Name == wellknown.TLSInspector || f.Name == wellknown.HTTPInspector
	})
	for _, chain := range append(l.FilterChains, l.DefaultFilterChain) {
		if chain == nil {
			continue
		}
		chain.Filters = kept(chain.Filters, func(f *listener.Filter) bool { return stock(f.GetTypedConfig()) })
		for _, filter := range chain.Filters {
			if filter.Name != wellknown.HTTPConnectionManager {
				continue
			}
			manager := &hcm.HttpConnectionManager{}
			if err := filter.GetTypedConfig().UnmarshalTo(manager); err != nil {
				return err
			}
			manager.HttpFilters = kept(manager.HttpFilters, func(f *hcm.HttpFilter) bool { return stock(f.GetTypedConfig()) })
			filter.ConfigType = &listener.Filter_TypedConfig{TypedConfig: protoconv.MessageToAny(manager)}
		}
	}
	return nil
}

func kept[T any](all []T, wanted func(T) bool) []T {
	var some []T
	for _, one := range all {
		if wanted(one) {
			some = append(some, one)
		}
	}
	return some
}

func stock(config *anypb.Any) bool {
	name := config.GetTypeUrl()
	return !strings.Contains(name, "istio") && !strings.Contains(name, "udpa.type.v1.TypedStruct") &&
		!strings.Contains(name, "xds.type.v3.TypedStruct")
}
