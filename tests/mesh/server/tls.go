package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"istio.io/istio/pilot/pkg/model"
	securitymodel "istio.io/istio/pilot/pkg/security/model"
	"istio.io/istio/pilot/pkg/util/protoconv"
)

// keyPair is a self-signed certificate and its key, as PEM.
type keyPair struct {
	certificate, key []byte
}

// shown returns what every TLS server of the mesh shows. Nobody verifies it: it is new in each process.
var shown = sync.OnceValue(func() keyPair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fail(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "mesh"},
		DNSNames:     []string{"mesh"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		fail(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		fail(err)
	}
	return keyPair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
})

func (k keyPair) write(directory string) error {
	if err := os.WriteFile(filepath.Join(directory, "key.pem"), k.key, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, "certificate.pem"), k.certificate, 0o600)
}

// secrets answers every request for a gateway's certificate with the one above: istiod gives secrets only
// to proxies that prove who they are, and a listener without its secret would never come up.
type secrets struct{}

func (secrets) Generate(
	_ *model.Proxy, watched *model.WatchedResource, _ *model.PushRequest,
) (model.Resources, model.XdsLogDetails, error) {
	inline := func(data []byte) *core.DataSource {
		return &core.DataSource{Specifier: &core.DataSource_InlineBytes{InlineBytes: data}}
	}
	var made model.Resources
	for name := range watched.ResourceNames {
		secret := &tls.Secret{Name: name, Type: &tls.Secret_TlsCertificate{TlsCertificate: &tls.TlsCertificate{
			CertificateChain: inline(shown().certificate), PrivateKey: inline(shown().key),
		}}}
		made = append(made, &discovery.Resource{Name: name, Resource: protoconv.MessageToAny(secret)})
	}
	return made, model.DefaultXdsLogDetails, nil
}

// plain takes Istio's own mutual TLS off the clusters that a DestinationRule asks it for: the backends have
// no sidecars to end it, and the agent that would hold the certificates is not here.
// Everything else of the cluster stays, and so does TLS of other modes.
type plain struct {
	model.XdsResourceGenerator
}

func (p plain) Generate(
	proxy *model.Proxy, watched *model.WatchedResource, request *model.PushRequest,
) (model.Resources, model.XdsLogDetails, error) {
	resources, details, err := p.XdsResourceGenerator.Generate(proxy, watched, request)
	for i, made := range resources {
		if !bytes.Contains(made.Resource.GetValue(), []byte(securitymodel.SDSClusterName)) {
			continue
		}
		c := &cluster.Cluster{}
		if err := made.Resource.UnmarshalTo(c); err != nil {
			return nil, details, err
		}
		c.TransportSocket, c.TransportSocketMatches = nil, nil
		resources[i] = &discovery.Resource{Name: made.Name, Resource: protoconv.MessageToAny(c)}
	}
	return resources, details, err
}
