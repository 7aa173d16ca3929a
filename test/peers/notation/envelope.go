package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	corex509 "github.com/notaryproject/notation-core-go/x509"
)

type envelopeRequest struct {
	MediaType string `json:"mediaType"`
	Bytes     []byte `json:"bytes"`
}

type opened struct {
	OK           bool            `json:"ok"`
	ContentType  string          `json:"contentType,omitempty"`
	Payload      []byte          `json:"payload,omitempty"`
	Scheme       string          `json:"scheme,omitempty"`
	SigningTime  *time.Time      `json:"signingTime,omitempty"`
	Expiry       *time.Time      `json:"expiry,omitempty"`
	Attributes   map[string]bool `json:"attributes,omitempty"`
	SigningAgent string          `json:"signingAgent,omitempty"`
	Timestamp    []byte          `json:"timestamp,omitempty"`
	Signature    []byte          `json:"signature,omitempty"`
	Thumbprints  []string        `json:"thumbprints,omitempty"`
	Error        string          `json:"error,omitempty"`
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &utc
}

// run is what notation-core-go says about an envelope by itself: form, signature, chain rules; no trust, no clock.
func (r envelopeRequest) run() (any, error) {
	envelope, err := signature.ParseEnvelope(r.MediaType, r.Bytes)
	if err != nil {
		return opened{Error: err.Error()}, nil
	}
	content, err := envelope.Verify()
	if err != nil {
		return opened{Error: err.Error()}, nil
	}
	info := content.SignerInfo
	out := opened{
		OK:           true,
		ContentType:  content.Payload.ContentType,
		Payload:      content.Payload.Content,
		Scheme:       string(info.SignedAttributes.SigningScheme),
		SigningTime:  moment(info.SignedAttributes.SigningTime),
		Expiry:       moment(info.SignedAttributes.Expiry),
		Attributes:   map[string]bool{},
		SigningAgent: info.UnsignedAttributes.SigningAgent,
		Timestamp:    info.UnsignedAttributes.TimestampSignature,
		Signature:    info.Signature,
	}
	for _, attribute := range info.SignedAttributes.ExtendedAttributes {
		out.Attributes[fmt.Sprint(attribute.Key)] = attribute.Critical
	}
	for _, certificate := range info.CertificateChain {
		sum := sha256.Sum256(certificate.Raw)
		out.Thumbprints = append(out.Thumbprints, hex.EncodeToString(sum[:]))
	}
	return out, nil
}

type attribute struct {
	Key      string `json:"key"`
	Critical bool   `json:"critical"`
	Value    any    `json:"value"`
}

// sealRequest lets notation-core-go make an envelope that `notation sign` would not: other schemes, times, attributes.
type sealRequest struct {
	MediaType   string      `json:"mediaType"`
	Key         string      `json:"key"`
	Chain       string      `json:"chain"`
	Payload     []byte      `json:"payload"`
	ContentType string      `json:"contentType"`
	Scheme      string      `json:"scheme"`
	SigningTime time.Time   `json:"signingTime"`
	Expiry      time.Time   `json:"expiry"`
	Attributes  []attribute `json:"attributes"`
	Agent       string      `json:"agent"`
	Timestamp   *stamp      `json:"timestamp"`
}

type sealed struct {
	OK       bool   `json:"ok"`
	Envelope []byte `json:"envelope,omitempty"`
	Error    string `json:"error,omitempty"`
}

func (r sealRequest) run(ctx context.Context) (any, error) {
	pair, err := tls.LoadX509KeyPair(r.Chain, r.Key)
	if err != nil {
		return nil, err
	}
	chain, err := corex509.ReadCertificateFile(r.Chain)
	if err != nil {
		return nil, err
	}
	stamper, roots, err := r.Timestamp.open()
	if err != nil {
		return nil, err
	}
	failed := func(err error) (any, error) { return sealed{Error: err.Error()}, nil }
	local, err := signature.NewLocalSigner(chain, pair.PrivateKey)
	if err != nil {
		return failed(err)
	}
	envelope, err := signature.NewEnvelope(r.MediaType)
	if err != nil {
		return nil, err
	}
	attributes := []signature.Attribute{}
	for _, a := range r.Attributes {
		attributes = append(attributes, signature.Attribute{Key: a.Key, Critical: a.Critical, Value: a.Value})
	}
	order := &signature.SignRequest{
		Payload:                  signature.Payload{ContentType: r.ContentType, Content: r.Payload},
		Signer:                   local,
		SigningTime:              r.SigningTime,
		Expiry:                   r.Expiry,
		ExtendedSignedAttributes: attributes,
		SigningAgent:             r.Agent,
		SigningScheme:            signature.SigningScheme(r.Scheme),
		Timestamper:              stamper,
		TSARootCAs:               roots,
	}
	bytes, err := envelope.Sign(order.WithContext(ctx))
	if err != nil {
		return failed(err)
	}
	return sealed{OK: true, Envelope: bytes}, nil
}
