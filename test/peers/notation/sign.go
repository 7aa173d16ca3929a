package main

import (
	"context"
	"crypto/x509"
	"time"

	corex509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/tspclient-go"
)

// stamp names a timestamp authority and the file of its root.
type stamp struct {
	URL   string `json:"url"`
	Roots string `json:"roots"`
}

func (s *stamp) open() (tspclient.Timestamper, *x509.CertPool, error) {
	if s == nil {
		return nil, nil, nil
	}
	stamper, err := tspclient.NewHTTPTimestamper(nil, s.URL)
	if err != nil {
		return nil, nil, err
	}
	roots, err := corex509.ReadCertificateFile(s.Roots)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	for _, root := range roots {
		pool.AddCert(root)
	}
	return stamper, pool, nil
}

type signRequest struct {
	place
	// Reference is `scope@digest` or `scope:tag`; its scope is not signed.
	Reference     string            `json:"reference"`
	Key           string            `json:"key"`
	Chain         string            `json:"chain"`
	MediaType     string            `json:"mediaType"`
	ExpirySeconds int               `json:"expirySeconds"`
	UserMetadata  map[string]string `json:"userMetadata"`
	Timestamp     *stamp            `json:"timestamp"`
}

type signed struct {
	OK       bool   `json:"ok"`
	Digest   string `json:"digest,omitempty"`
	Manifest string `json:"manifest,omitempty"`
	Error    string `json:"error,omitempty"`
}

func (r signRequest) run(ctx context.Context) (any, error) {
	repository, err := r.open()
	if err != nil {
		return nil, err
	}
	stamper, roots, err := r.Timestamp.open()
	if err != nil {
		return nil, err
	}
	local, err := signer.NewGenericSignerFromFiles(r.Key, r.Chain)
	if err != nil {
		return signed{Error: err.Error()}, nil
	}
	record := &pushed{Repository: repository}
	target, err := notation.Sign(ctx, local, record, notation.SignOptions{
		SignerSignOptions: notation.SignerSignOptions{
			SignatureMediaType: r.MediaType,
			ExpiryDuration:     time.Duration(r.ExpirySeconds) * time.Second,
			Timestamper:        stamper,
			TSARootCAs:         roots,
		},
		ArtifactReference: r.Reference,
		UserMetadata:      r.UserMetadata,
	})
	if err != nil {
		return signed{Error: err.Error()}, nil
	}
	return signed{OK: true, Digest: target.Digest.String(), Manifest: record.manifest.Digest.String()}, nil
}
